# pollux_remedy(OUT [DEBIAN names] [VCPKG name] [BREW names] [MSYS2 name] [WINDOWS_DEPS])
#
# The way to a library that was not found, for the system that is built for, as the end of a
# sentence without its full stop. WINDOWS_DEPS: ci/windows-deps.sh cross-builds it.
function(pollux_remedy out)
    cmake_parse_arguments(PARSE_ARGV 1 arg "WINDOWS_DEPS" "DEBIAN;VCPKG;BREW;MSYS2" "")
    if(CMAKE_CROSSCOMPILING AND WIN32 AND arg_WINDOWS_DEPS)
        set(text "run \"sh ci/windows-deps.sh\", which cross-builds it")
    elseif(CMAKE_CROSSCOMPILING)
        set(text "install it for ${CMAKE_SYSTEM_NAME} where CMAKE_FIND_ROOT_PATH, or "
                 "PKG_CONFIG_LIBDIR in the environment, points to")
        string(CONCAT text ${text})
    elseif(MSVC AND arg_VCPKG)
        set(text "install it (\"vcpkg install ${arg_VCPKG}\", and name vcpkg's toolchain file)")
    elseif(MINGW AND arg_MSYS2)
        set(text "install it (MSYS2: \"pacman -S mingw-w64-x86_64-${arg_MSYS2}\")")
    elseif(APPLE AND arg_BREW)
        set(text "install it (\"brew install ${arg_BREW}\")")
    elseif(arg_DEBIAN AND NOT WIN32 AND NOT APPLE)
        set(text "install it (Debian: \"apt-get install ${arg_DEBIAN}\")")
    else()
        set(text "install it")
    endif()
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

# pollux_forget_missing(VARIABLE...): drops cached paths to what has been removed since.
function(pollux_forget_missing)
    foreach(variable IN LISTS ARGN)
        if(${variable} AND NOT EXISTS "${${variable}}")
            unset(${variable} CACHE)
        endif()
    endforeach()
endfunction()
