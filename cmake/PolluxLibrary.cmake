# The sources of the library, and how they are compiled.

set(pollux_sources
    core/accept_condition.c
    core/address_prefix.c
    core/assert.c
    core/backend_names.c
    core/classes.c
    core/conn/become.c
    core/conn/conn.c
    core/conn/finish.c
    core/conn/input.c
    core/conn/life.c
    core/conn/option.c
    core/conn/output.c
    core/conn/pace.c
    core/conn/reading.c
    core/conn/send_queue.c
    core/conn/sending.c
    core/conn/side.c
    core/conn/timeouts.c
    core/conn/transfer.c
    core/error.c
    core/fork.c
    core/handover/frame.c
    core/handover/handover.c
    core/handover/inherit.c
    core/handover/sockets.c
    core/handover/takeover.c
    core/unconsumed.c
    core/listen.c
    core/listener.c
    core/loop.c
    core/notify.c
    core/object.c
    core/post_queue.c
    core/post_waiters.c
    core/proxy_conn.c
    core/proxy_header.c
    core/shared_options.c
    core/segment.c
    core/server/accepting.c
    core/server/address_list.c
    core/server/admission.c
    core/server/children.c
    core/server/clients.c
    core/server/count.c
    core/server/dispatch.c
    core/server/drain.c
    core/server/ending.c
    core/server/forking.c
    core/server/handler.c
    core/server/handoff.c
    core/server/inbox.c
    core/server/limits.c
    core/server/listening.c
    core/server/loop_options.c
    core/server/pool.c
    core/server/prefork.c
    core/server/queueing.c
    core/server/server.c
    core/server/worker.c
    core/setting.c
    core/signal.c
    core/slab.c
    core/socket.c
    core/socket_map.c
    core/timer.c
    core/turn.c
    core/version.c
    core/wait.c
    core/watch.c
    core/wheel.c
    backends/readiness/array_poller.c
    backends/readiness/idle_set.c
    backends/readiness/readiness.c
    backends/host.c
    backends/registry.c
    backends/sim/backend.c
    backends/sim/chance.c
    backends/sim/deferred.c
    backends/sim/events.c
    backends/sim/host.c
    backends/sim/pipe.c
    backends/sim/socket.c
    backends/sim/trace.c
    backends/sim/world.c
    backends/settings.c
    platform/address.c
    platform/fault.c
    platform/hook.c
    platform/ip.c
    platform/memory.c
    platform/sized.c
    platform/socket_look.c
    platform/socket_name.c)

if(WIN32)
    set(pollux_system windows)
else()
    set(pollux_system unix)
endif()
foreach(noun child clock error handover poll processor select signal socket socket_option
             socket_path socket_wait thread wake)
    list(APPEND pollux_sources platform/${pollux_system}/${noun}.c)
endforeach()
if(UNIX)
    list(APPEND pollux_sources platform/unix/fork.c)
else()
    list(APPEND pollux_sources platform/windows/accept_condition.c)
endif()
foreach(name IN LISTS pollux_backends)
    if(name STREQUAL "iocp")
        set(nouns accept iocp poll stream transfer)
    elseif(name STREQUAL "uring")
        set(nouns accept endpoint leave receive ring send thread uring)
    else()
        list(APPEND pollux_sources backends/readiness/${name}.c)
        continue()
    endif()
    foreach(noun IN LISTS nouns)
        list(APPEND pollux_sources backends/${name}/${noun}.c)
    endforeach()
endforeach()
list(TRANSFORM pollux_sources PREPEND "${PROJECT_SOURCE_DIR}/")

set(pollux_headers conn error handover limits listener loop notify pollux proxy_protocol server
                    setting signal sim timer
                   types watch)
list(TRANSFORM pollux_headers PREPEND "${PROJECT_SOURCE_DIR}/include/pollux/")
list(TRANSFORM pollux_headers APPEND ".h")

# For other libraries on a loop. No source of Pollux includes them.
set(pollux_adapters cares curl hiredis libpq)
list(TRANSFORM pollux_adapters PREPEND "${PROJECT_SOURCE_DIR}/include/pollux/adapters/")
list(TRANSFORM pollux_adapters APPEND ".h")

find_package(Threads REQUIRED)

# How every C file of this project is compiled: the library, its tools and its tests.
function(pollux_compile_options target)
    set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON
                                               C_EXTENSIONS OFF C_VISIBILITY_PRESET hidden)
    if(MSVC)
        target_compile_options(${target} PRIVATE /W4 /utf-8)
        target_compile_definitions(${target} PRIVATE _CRT_SECURE_NO_WARNINGS)
    else()
        target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                                 -Wstrict-prototypes -Wmissing-prototypes)
    endif()
    if(UNIX AND NOT APPLE)
        target_compile_options(${target} PRIVATE -fno-plt) # Two jumps less for each system call.
    endif()
    if(WIN32)
        target_compile_definitions(${target} PRIVATE _WIN32_WINNT=0x0A00)
    elseif(APPLE)
        target_compile_definitions(${target} PRIVATE _DARWIN_C_SOURCE)
    else()
        target_compile_definitions(${target} PRIVATE _GNU_SOURCE) # accept4, ppoll
    endif()
    if(MINGW)
        # Binaries that need no DLL of the compiler's, and printf as C11 has it.
        target_link_options(${target} PRIVATE -static)
        target_compile_definitions(${target} PRIVATE __USE_MINGW_ANSI_STDIO=1)
    endif()
    if(POLLUX_WARNINGS_AS_ERRORS)
        set_target_properties(${target} PROPERTIES COMPILE_WARNING_AS_ERROR ON)
        if(CMAKE_VERSION VERSION_LESS 3.24 AND NOT MSVC)
            target_compile_options(${target} PRIVATE -Werror)
        endif()
    endif()
endfunction()

# pollux_library(NAME STATIC|SHARED [DEFINITIONS...])
function(pollux_library target type)
    add_library(${target} ${type} ${pollux_sources} ${pollux_headers})
    pollux_compile_options(${target})
    target_include_directories(
        ${target}
        PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
               "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
        PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/generated")
    target_compile_definitions(${target} PRIVATE POLLUX_BUILDING ${ARGN})
    if(type STREQUAL "SHARED")
        target_compile_definitions(${target} PUBLIC POLLUX_SHARED)
    endif()
    # Until 1.0 each minor version may break programs, so it is a part of the shared object's name.
    set(abi ${PROJECT_VERSION_MAJOR})
    if(abi EQUAL 0)
        set(abi ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    endif()
    # Position-independent always: a static Pollux may become a part of somebody's shared library.
    set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${abi}
                                               POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(${target} PRIVATE Threads::Threads)
    if(WIN32)
        target_link_libraries(${target} PRIVATE ws2_32 mswsock)
    endif()
    if(pollux_libuv_target)
        target_link_libraries(${target} PRIVATE ${pollux_libuv_target})
    endif()
    if(pollux_liburing_target)
        target_link_libraries(${target} PRIVATE ${pollux_liburing_target})
    endif()
endfunction()
