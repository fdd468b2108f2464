# Which backends are compiled in, and which of them is the default.
#
#   POLLUX_BACKENDS  a list of names, each of which must be possible here; or "default": all but
#                    libuv that this system and its libraries allow; or "all": libuv too, if found
#   POLLUX_BACKEND   the default among them; empty: poll if it is compiled in, else the first
#
# The cache holds what the user asked for, never what was found: both are computed anew each time
# CMake configures, so that they follow the list and the libraries. A parent project may set plain
# variables of these names.
#
# Sets pollux_backends (the default first), pollux_libuv_target and pollux_liburing_target, and
# writes pollux_config.h.

include(PolluxLiburing)
include(PolluxLibuv)
include(PolluxRemedy)

set(pollux_backends_known poll select epoll uring iocp libuv)
set(POLLUX_BACKENDS "default" CACHE STRING
    "Backends to compile in: default, all, or a list of: ${pollux_backends_known}")
set(POLLUX_BACKEND "" CACHE STRING
    "The backend that a loop takes when none is asked for; empty: poll, else the first")
set(request "${POLLUX_BACKENDS}")
if(request STREQUAL "")
    set(request default)
endif()

# Why this system cannot have a backend, with the way out; empty if it can.
foreach(name IN LISTS pollux_backends_known)
    set(obstacle_${name} "")
endforeach()
set(pollux_backends_here poll select)
set(is_linux FALSE)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" OR CMAKE_SYSTEM_NAME STREQUAL "Android")
    set(is_linux TRUE)
    list(APPEND pollux_backends_here epoll uring)
else()
    set(obstacle_epoll "not for ${CMAKE_SYSTEM_NAME}")
    set(obstacle_uring "not for ${CMAKE_SYSTEM_NAME}")
endif()
if(WIN32)
    list(APPEND pollux_backends_here iocp)
else()
    set(obstacle_iocp "not for ${CMAKE_SYSTEM_NAME}")
endif()
list(APPEND pollux_backends_here libuv)

set(pollux_liburing_target "")
if(is_linux AND (request STREQUAL "default" OR request STREQUAL "all" OR "uring" IN_LIST request))
    pollux_find_liburing(pollux_liburing_target)
    if(NOT pollux_liburing_target)
        pollux_remedy(remedy DEBIAN "liburing-dev pkg-config")
        set(obstacle_uring "liburing 2.3 or later was not found by pkg-config: ${remedy}")
    endif()
endif()
set(pollux_libuv_target "")
if(request STREQUAL "all" OR "libuv" IN_LIST request)
    pollux_find_libuv(pollux_libuv_target)
    if(NOT pollux_libuv_target)
        pollux_remedy(remedy DEBIAN "libuv1-dev pkg-config" VCPKG libuv BREW "libuv pkg-config"
                      MSYS2 libuv WINDOWS_DEPS)
        set(obstacle_libuv "libuv was not found: ${remedy}")
    endif()
elseif(request STREQUAL "default")
    set(obstacle_libuv "only on request")
endif()

string(REPLACE ";" ", " choices "${pollux_backends_here}")
set(pollux_backends "")
set(left_out "")
if(request STREQUAL "default" OR request STREQUAL "all")
    foreach(name IN LISTS pollux_backends_known)
        if(obstacle_${name} STREQUAL "")
            list(APPEND pollux_backends ${name})
        else()
            list(APPEND left_out "${name} (${obstacle_${name}})")
        endif()
    endforeach()
else()
    foreach(name IN LISTS request)
        if(NOT name IN_LIST pollux_backends_here)
            message(FATAL_ERROR "POLLUX_BACKENDS: there is no backend \"${name}\" for "
                                "${CMAKE_SYSTEM_NAME}. Choose from: ${choices}; or write \"all\" "
                                "or \"default\" instead of a list.")
        endif()
        if(NOT obstacle_${name} STREQUAL "")
            message(FATAL_ERROR "POLLUX_BACKENDS names ${name}, but ${obstacle_${name}}. Or leave "
                                "${name} out of POLLUX_BACKENDS.")
        endif()
        list(APPEND pollux_backends ${name})
    endforeach()
    list(REMOVE_DUPLICATES pollux_backends)
endif()

set(first "${POLLUX_BACKEND}")
if(first STREQUAL "" AND "poll" IN_LIST pollux_backends)
    set(first poll)
elseif(first STREQUAL "")
    list(GET pollux_backends 0 first)
elseif(NOT first IN_LIST pollux_backends)
    string(REPLACE ";" ", " choices "${pollux_backends}")
    message(FATAL_ERROR "POLLUX_BACKEND: \"${first}\" is not among the backends that are compiled "
                        "in. Choose from: ${choices}; or add it to POLLUX_BACKENDS; or let CMake "
                        "choose, with -DPOLLUX_BACKEND= (empty).")
endif()
list(REMOVE_ITEM pollux_backends "${first}")
list(PREPEND pollux_backends "${first}")

string(REPLACE ";" ", " text "${pollux_backends}")
set(text "Backends of Pollux, the default first: ${text}")
if(left_out)
    string(REPLACE ";" ", " left_out "${left_out}")
    string(APPEND text "; left out: ${left_out}")
endif()
message(STATUS "${text}")

set(PLX_BACKEND_LIST "")
foreach(name IN LISTS pollux_backends)
    string(APPEND PLX_BACKEND_LIST " X(${name})")
endforeach()
configure_file("${PROJECT_SOURCE_DIR}/cmake/pollux_config.h.in"
               "${PROJECT_BINARY_DIR}/generated/pollux_config.h" @ONLY)
