# Which backends are compiled in, and which of them is the default.
#
#   POLLUX_BACKENDS  a list; without it, all that this system has but libuv, and uring only where
#                    liburing is
#   POLLUX_BACKEND   the default among them; without it, poll if it is there, else the first
#
# Sets pollux_backends (the default first) and writes pollux_config.h.

include(PolluxLiburing)

set(pollux_backends_here poll select)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" OR CMAKE_SYSTEM_NAME STREQUAL "Android")
    list(APPEND pollux_backends_here epoll uring)
    pollux_find_liburing(pollux_liburing_target)
elseif(WIN32)
    list(APPEND pollux_backends_here iocp)
endif()
list(APPEND pollux_backends_here libuv)

set(pollux_backends_default ${pollux_backends_here})
list(REMOVE_ITEM pollux_backends_default libuv)
if(NOT pollux_liburing_target)
    list(REMOVE_ITEM pollux_backends_default uring)
endif()
set(POLLUX_BACKENDS "${pollux_backends_default}" CACHE STRING
    "Backends to compile in, a list of: ${pollux_backends_here}")

string(REPLACE ";" ", " choices "${pollux_backends_here}")
foreach(name IN LISTS POLLUX_BACKENDS)
    if(NOT name IN_LIST pollux_backends_here)
        message(FATAL_ERROR "POLLUX_BACKENDS: there is no backend \"${name}\" for "
                            "${CMAKE_SYSTEM_NAME}. Choose from: ${choices}.")
    endif()
endforeach()
if(NOT POLLUX_BACKENDS)
    message(FATAL_ERROR "POLLUX_BACKENDS is empty. Choose from: ${choices}.")
endif()

if("poll" IN_LIST POLLUX_BACKENDS)
    set(first poll)
else()
    list(GET POLLUX_BACKENDS 0 first)
endif()
set(POLLUX_BACKEND "${first}" CACHE STRING "The backend that a loop takes when none is asked for")
if(NOT POLLUX_BACKEND IN_LIST POLLUX_BACKENDS)
    string(REPLACE ";" ", " choices "${POLLUX_BACKENDS}")
    message(FATAL_ERROR "POLLUX_BACKEND: \"${POLLUX_BACKEND}\" is not among the backends that are "
                        "compiled in. Choose from: ${choices}; or add it to POLLUX_BACKENDS.")
endif()

set(pollux_backends ${POLLUX_BACKENDS})
list(REMOVE_DUPLICATES pollux_backends)
list(REMOVE_ITEM pollux_backends "${POLLUX_BACKEND}")
list(PREPEND pollux_backends "${POLLUX_BACKEND}")

set(PLX_BACKEND_LIST "")
foreach(name IN LISTS pollux_backends)
    string(APPEND PLX_BACKEND_LIST " X(${name})")
endforeach()
configure_file("${PROJECT_SOURCE_DIR}/cmake/pollux_config.h.in"
               "${PROJECT_BINARY_DIR}/generated/pollux_config.h" @ONLY)

if("libuv" IN_LIST pollux_backends)
    include(PolluxLibuv)
    pollux_find_libuv(pollux_libuv_target)
    if(NOT pollux_libuv_target)
        message(FATAL_ERROR "POLLUX_BACKENDS names libuv, which was not found. Install it "
                            "(Debian: libuv1-dev), or leave libuv out.")
    endif()
endif()

if(NOT "uring" IN_LIST pollux_backends)
    set(pollux_liburing_target "")
elseif(NOT pollux_liburing_target)
    message(FATAL_ERROR "POLLUX_BACKENDS names uring, and liburing 2.3 or later was not found. "
                        "Install it (Debian: liburing-dev), or leave uring out.")
endif()
