# Builds for 64-bit Windows with mingw-w64, and runs what was built under Wine.
#
# Libraries for Windows (Check, libuv, cJSON) are looked for where ci/windows-deps.sh
# puts them; POLLUX_WINDOWS_DEPS in the environment names another place.

set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(triplet x86_64-w64-mingw32)

set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_RC_COMPILER ${triplet}-windres)
find_program(pollux_mingw_cxx ${triplet}-g++)
if(pollux_mingw_cxx)
    set(CMAKE_CXX_COMPILER ${pollux_mingw_cxx})
endif()

if(DEFINED ENV{POLLUX_WINDOWS_DEPS})
    set(pollux_windows_deps "$ENV{POLLUX_WINDOWS_DEPS}")
elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(pollux_windows_deps "$ENV{XDG_CACHE_HOME}/pollux/${triplet}")
else()
    set(pollux_windows_deps "$ENV{HOME}/.cache/pollux/${triplet}")
endif()
set(CMAKE_FIND_ROOT_PATH /usr/${triplet} "${pollux_windows_deps}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Debian keeps wine64 out of the PATH, and its wrapper "wine" complains about 32 bits on each run.
find_program(pollux_wine NAMES wine64 wine PATHS /usr/lib/wine)
if(pollux_wine)
    set(CMAKE_CROSSCOMPILING_EMULATOR "${pollux_wine}")
endif()
