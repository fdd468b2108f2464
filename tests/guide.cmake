# Takes the C code out of README.md and docs/guide.md, and makes targets of it for the test `guide`.
# Included by tests/CMakeLists.txt. The first line of a block says what the block is:
#
#   ```c               A program, which the test runs. One that prints "listening on" is a server,
#                      which the program client.c talks to.
#   ```c functions     Functions without main(): compiled, not linked.
#   ```c fragment      Statements: compiled as the body of a function that has the variables below.
#   ```c excerpt FILE  A piece of FILE, which is compiled whole. FILE must contain it to the letter.
#   ```text output     What the program before it prints.
#
# A program may name itself in its first line: "/* NAME.c - ...". The targets belong to no default
# build: a block that does not compile makes the test fail, and not the build.

include(CheckIncludeFile)
find_package(Threads)
check_include_file(pthread.h POLLUX_GUIDE_HAS_PTHREAD)

set(guide_folder "${CMAKE_CURRENT_BINARY_DIR}/guide")
set(guide_programs "")
set(guide_units "")
set(guide_errors "")

# guide_write(FILE TEXT): leaves a file alone that has this text already, for nothing to be rebuilt.
function(guide_write file text)
    if(EXISTS "${file}")
        file(READ "${file}" old)
        if("${old}" STREQUAL "${text}")
            return()
        endif()
    endif()
    file(WRITE "${file}" "${text}")
endfunction()

# What surrounds a fragment, so that it may use what every callback has.
set(guide_fragment_head [[
#include <pollux/pollux.h>

int guide_fragment(plx_loop *loop, plx_conn conn, plx_listener listener, plx_timer timer,
                   const char *address, void *data);

int guide_fragment(plx_loop *loop, plx_conn conn, plx_listener listener, plx_timer timer,
                   const char *address, void *data)
{
    int status = 0;
    (void)loop, (void)conn, (void)listener, (void)timer, (void)address, (void)data;
]])
set(guide_fragment_tail "    return status;\n}\n")
set(guide_functions_head "#include <pollux/pollux.h>\n\n")

# guide_excerpt(PLACE FILE TEXT)
function(guide_excerpt place file text)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${file}")
    file(READ "${PROJECT_SOURCE_DIR}/${file}" whole)
    string(FIND "${whole}" "${text}" at)
    if(at EQUAL -1)
        string(APPEND guide_errors "${place}: ${file} does not contain this excerpt verbatim\n")
        set(guide_errors "${guide_errors}" PARENT_SCOPE)
    endif()
endfunction()

# guide_target(TARGET): compiled against the public headers, with warnings as errors.
function(guide_target target)
    pollux_compile_options(${target})
    set_target_properties(${target} PROPERTIES COMPILE_WARNING_AS_ERROR ON)
    if(CMAKE_VERSION VERSION_LESS 3.24 AND NOT MSVC)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    target_link_libraries(${target} PRIVATE pollux::pollux)
endfunction()

# guide_program(NAME SOURCE TEXT)
function(guide_program name source text)
    if(text MATCHES "<pthread.h>" AND NOT POLLUX_GUIDE_HAS_PTHREAD)
        message(STATUS "The guide's program ${name} is left out: there is no <pthread.h>")
        return()
    endif()
    add_executable(guide_${name} EXCLUDE_FROM_ALL "${source}")
    guide_target(guide_${name})
    if(text MATCHES "<pthread.h>")
        target_link_libraries(guide_${name} PRIVATE Threads::Threads)
    endif()
    set(kind program)
    if(text MATCHES "\"listening on ")
        set(kind server)
        if(text MATCHES "PLX_SIGNAL_TERMINATE")
            set(kind graceful_server)
        endif()
    endif()
    list(APPEND guide_programs ${name})
    set(guide_programs "${guide_programs}" PARENT_SCOPE)
    set(guide_kind_${name} ${kind} PARENT_SCOPE)
    set(guide_last ${name} PARENT_SCOPE)
endfunction()

# guide_block(DOCUMENT LINE INFO TEXT): `info` is what follows the three backquotes.
function(guide_block document line info text)
    set(place "${document}:${line}")
    math(EXPR first "${line} + 1")
    set(source_line "#line ${first} \"${document}\"\n")
    string(REGEX REPLACE "[^A-Za-z0-9]+" "_" stem "${document}_${line}")
    set(source "${guide_folder}/${stem}.c")
    if(info STREQUAL "c" AND text MATCHES "[\n ]main\\(")
        set(name ${stem})
        if(text MATCHES "^/\\* ([a-z_]+)\\.c - ")
            set(name ${CMAKE_MATCH_1})
        endif()
        guide_write("${source}" "${source_line}${text}")
        guide_program(${name} "${source}" "${text}")
        set(guide_last "${guide_last}" PARENT_SCOPE)
        set(guide_programs "${guide_programs}" PARENT_SCOPE)
        set(guide_kind_${name} "${guide_kind_${name}}" PARENT_SCOPE)
        return()
    elseif(info STREQUAL "c functions")
        guide_write("${source}" "${guide_functions_head}${source_line}${text}")
    elseif(info STREQUAL "c fragment")
        guide_write("${source}"
                    "${guide_fragment_head}${source_line}${text}${guide_fragment_tail}")
    elseif(info MATCHES "^c excerpt ([^ ]+)$")
        set(source "${PROJECT_SOURCE_DIR}/${CMAKE_MATCH_1}")
        guide_excerpt("${place}" "${CMAKE_MATCH_1}" "${text}")
        set(guide_errors "${guide_errors}" PARENT_SCOPE)
    elseif(info STREQUAL "text output")
        file(WRITE "${guide_folder}/${guide_last}.expected" "${text}")
        return()
    elseif(info MATCHES "^[cC]( |$)")
        string(APPEND guide_errors "${place}: \"${info}\" is no kind of block, or the program has "
                                   "no main(); tests/guide.cmake lists the kinds\n")
        set(guide_errors "${guide_errors}" PARENT_SCOPE)
        return()
    else()
        return()
    endif()
    if(NOT source IN_LIST guide_units)
        list(APPEND guide_units "${source}")
    endif()
    set(guide_units "${guide_units}" PARENT_SCOPE)
endfunction()

# guide_document(PATH): goes through a document from one fence to the next. Its text is never a list
# of CMake's: semicolons and brackets would be lost.
macro(guide_document document)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                 "${PROJECT_SOURCE_DIR}/${document}")
    file(READ "${PROJECT_SOURCE_DIR}/${document}" guide_rest)
    set(guide_line 0) # Of the last line of what is behind us.
    set(guide_rest "\n${guide_rest}")
    string(FIND "${guide_rest}" "\n```" guide_at)
    while(NOT guide_at EQUAL -1)
        math(EXPR guide_at "${guide_at} + 4")
        string(SUBSTRING "${guide_rest}" 0 ${guide_at} guide_before)
        string(SUBSTRING "${guide_rest}" ${guide_at} -1 guide_rest)
        string(REGEX REPLACE "[^\n]+" "" guide_before "${guide_before}")
        string(LENGTH "${guide_before}" guide_lines)
        math(EXPR guide_line "${guide_line} + ${guide_lines}")
        string(FIND "${guide_rest}" "\n" guide_at)
        string(SUBSTRING "${guide_rest}" 0 ${guide_at} guide_info)
        string(SUBSTRING "${guide_rest}" ${guide_at} -1 guide_rest)
        string(FIND "${guide_rest}" "\n```" guide_at)
        if(guide_at EQUAL -1)
            message(FATAL_ERROR "${document}:${guide_line}: the block has no closing fence")
        endif()
        string(SUBSTRING "${guide_rest}" 1 ${guide_at} guide_text)
        guide_block("${document}" ${guide_line} "${guide_info}" "${guide_text}")
        string(REGEX REPLACE "[^\n]+" "" guide_before "${guide_text}")
        string(LENGTH "${guide_before}" guide_lines)
        math(EXPR guide_line "${guide_line} + ${guide_lines} + 1")
        math(EXPR guide_at "${guide_at} + 4")
        string(SUBSTRING "${guide_rest}" ${guide_at} -1 guide_rest)
        string(FIND "${guide_rest}" "\n```" guide_at)
    endwhile()
endmacro()

file(GLOB guide_old "${guide_folder}/*.expected")
if(guide_old)
    file(REMOVE ${guide_old})
endif()
foreach(document IN ITEMS README.md docs/guide.md)
    guide_document(${document})
endforeach()

add_library(guide_units OBJECT EXCLUDE_FROM_ALL ${guide_units})
guide_target(guide_units)
# Nobody calls the functions that a block shows.
if(MSVC)
    target_compile_options(guide_units PRIVATE /wd4505)
else()
    target_compile_options(guide_units PRIVATE -Wno-unused-function)
endif()

# What the test is told. It builds first, which reads the documents again if they have changed.
set(manifest "set(programs ${guide_programs})\n")
add_custom_target(guide_blocks)
foreach(name IN LISTS guide_programs)
    add_dependencies(guide_blocks guide_${name})
    string(APPEND manifest "set(kind_${name} ${guide_kind_${name}})\n"
                           "set(file_${name} \"$<TARGET_FILE:guide_${name}>\")\n")
endforeach()
add_dependencies(guide_blocks guide_units)
guide_write("${guide_folder}/errors.txt" "${guide_errors}")
file(GENERATE OUTPUT "${guide_folder}/manifest-$<CONFIG>.cmake" CONTENT "${manifest}")

find_program(POLLUX_SH sh)
mark_as_advanced(POLLUX_SH)
set(guide_sh "")
if(POLLUX_SH AND NOT CMAKE_HOST_WIN32)
    set(guide_sh "${POLLUX_SH}")
endif()
string(REPLACE ";" "," guide_backends "${pollux_backends}")
add_test(NAME guide
         COMMAND ${CMAKE_COMMAND}
                 "-DBUILD=${CMAKE_BINARY_DIR}" "-DCONFIG=$<CONFIG>" "-DFOLDER=${guide_folder}"
                 "-DBACKENDS=${guide_backends}" "-DEMULATOR=${CMAKE_CROSSCOMPILING_EMULATOR}"
                 "-DSH=${guide_sh}" -P "${CMAKE_CURRENT_SOURCE_DIR}/guide_run.cmake")
set_tests_properties(guide PROPERTIES TIMEOUT 900 COST 100 LABELS guide
                                      ENVIRONMENT "${pollux_wine_environment}")
if(fixture)
    set_tests_properties(guide PROPERTIES FIXTURES_REQUIRED ${fixture})
endif()
