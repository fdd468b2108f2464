# The names by which programs call the layer, each in an object of its own, so that a program which
# defines a function of the same name has its own, as with a C library in an archive.
#
# functions.txt has them. The layer defines plx_posix_NAME, and calls no function by a public name.
#
# A name that mingw-w64's libraries lack is just that: programs call NAME, which is in the layer's
# library. The others the headers call plx_call_NAME, for the libraries of mingw-w64's, and others
# for Windows that a program may link, mean their own by read() or stat(). The plain names of those
# are in a library that only pollux-cc links: whole programs are for POSIX there, also what they
# call without a header.
#
# The plain names of the memory's functions are in the layer's library instead: an allocator that a
# program brings has to be everybody's, the layer's and winpthreads' too, or one frees what another
# has allocated.
#
# What the layer itself calls of the system's that has a name in that list, it imports by a name of
# its own (plx__import_NAME): the import libraries have connect and __imp_connect in one object, and
# a program with a connect() of its own could not be linked.

set(jumps_dir "${CMAKE_CURRENT_BINARY_DIR}/jumps")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             "${CMAKE_CURRENT_SOURCE_DIR}/functions.txt"
             "${CMAKE_CURRENT_SOURCE_DIR}/import.c.in")
file(STRINGS functions.txt functions REGEX "^[a-z]")
# Each jump refers to the layer's start, so that a program that calls the layer always links
# process/start.c, which sets the hooks.
set(jump "#define TEXT_OF(text) #text\n#define TEXT(text) TEXT_OF(text)
__asm__(\".globl \" TEXT(NAME) \"\\n\" TEXT(NAME) \": jmp \" TEXT(TARGET) \"\\n\");
__asm__(\".globl plx__layer_start\\n\");\n")
# As the import library's object has both, a library that asks for the latter gets this one, too.
set(plain_jump "${jump}__asm__(\".data\\n.balign 8\\n.globl __imp_\" TEXT(NAME) \"\\n\"
        \"__imp_\" TEXT(NAME) \": .quad \" TEXT(NAME) \"\\n\");\n")
set(address "struct { unsigned char bytes[16]; } const NAME = {{[15] = LAST}};\n")

# names_source(LIST FILE DEFINES TEXT): writes it, and appends it to the sources of that list.
function(names_source list file defines text)
    file(CONFIGURE OUTPUT "${jumps_dir}/${file}.c" @ONLY
         CONTENT "/* See posix/names.cmake. */\n${defines}${text}")
    set(${list} ${${list}} "${jumps_dir}/${file}.c" PARENT_SCOPE)
endfunction()

file(READ import.c.in import)
set(names_sources "")
set(plain_sources "")
set(imports "")
foreach(line IN LISTS functions)
    string(REPLACE " " ";" words "${line}")
    list(POP_FRONT words name library)
    set(text "${jump}")
    set(target "plx_posix_${name}")
    if(words STREQUAL "data")
        set(target 0)
        if(name MATCHES "loopback")
            set(target 1)
        endif()
        set(text "#define LAST ${target}\n${address}")
    endif()
    if(name STREQUAL "sigsetjmp") # See jumps.c.
        continue()
    elseif(NOT library)
        names_source(names_sources ${name} "#define NAME ${name}\n#define TARGET ${target}\n"
                     "${jump}")
        continue()
    endif()
    if(words STREQUAL "plain")
        names_source(names_sources ${name} "#define NAME ${name}\n#define TARGET ${target}\n"
                     "${plain_jump}")
    else()
        names_source(names_sources call_${name}
                     "#define NAME plx_call_${name}\n#define TARGET ${target}\n" "${text}")
        names_source(plain_sources ${name}
                     "#define NAME ${name}\n#define TARGET plx_call_${name}\n" "${text}")
    endif()
    if(library MATCHES "^(.*)\\.dll$")
        set(dll "\"${library}\"")
        if(library STREQUAL "msvcrt.dll")
            set(dll C_LIBRARY)
        endif()
        names_source(names_sources import_${name}
                     "#define NAME ${name}\n#define DLL ${dll}\n" "${import}")
        if(words STREQUAL "plain")
            continue()
        endif()
        set(linkage "")
        if(library STREQUAL "ws2_32.dll" OR name STREQUAL "localeconv") # As their headers have it.
            set(linkage "__declspec(dllimport) ")
        endif()
        string(APPEND imports "extern ${linkage}__typeof__(${name}) ${name} "
                              "__asm__(\"plx__import_${name}\");\n")
    endif()
endforeach()
file(CONFIGURE OUTPUT "${jumps_dir}/imports.h" CONTENT "/* See posix/names.cmake. */
#include \"platform/os.h\"
#include <iphlpapi.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
${imports}")
