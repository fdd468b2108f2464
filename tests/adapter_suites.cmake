# Tests of the adapters in include/pollux/adapters, each with the real library, where pkg-config
# finds it. Included by tests/CMakeLists.txt.

# When cross-compiling, pkg-config would find the build machine's libraries, unless the environment
# has pointed it elsewhere.
set(adapters_search ON)
if(CMAKE_CROSSCOMPILING AND NOT DEFINED ENV{PKG_CONFIG_LIBDIR})
    set(adapters_search OFF)
else()
    find_package(PkgConfig QUIET)
endif()

# pollux_adapter_suite(ADAPTER MODULE PACKAGE [file...]): adapter_ADAPTER.c and those files, with
# pkg-config's MODULE, whose name is PACKAGE in Debian.
function(pollux_adapter_suite adapter module package)
    string(TOUPPER ADAPTER_${adapter} prefix)
    unset(${prefix}_FOUND CACHE)
    if(adapters_search AND PKG_CONFIG_FOUND)
        pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module})
    endif()
    if(NOT TARGET PkgConfig::${prefix})
        pollux_remedy(remedy DEBIAN "${package} pkg-config")
        message(STATUS "The test of adapters/${adapter}.h is left out: pkg-config does not find "
                       "${module}. To have it, ${remedy}.")
        return()
    endif()
    # Servers are one for the process, and cases may leave clients open.
    pollux_suite(adapter.${adapter} EACH BACKENDS ${configurations}
                 SOURCES adapter_${adapter}.c adapter_fixture.c ${ARGN})
    target_link_libraries(adapter.${adapter} PRIVATE PkgConfig::${prefix})
endfunction()

pollux_adapter_suite(curl "libcurl>=7.61" libcurl4-openssl-dev)
pollux_adapter_suite(hiredis hiredis libhiredis-dev adapter_redis.c)
pollux_adapter_suite(cares libcares libc-ares-dev)
pollux_adapter_suite(libpq libpq libpq-dev adapter_postgres.c)

find_program(POLLUX_SH sh)
mark_as_advanced(POLLUX_SH)
if(POLLUX_SH AND PKG_CONFIG_FOUND AND NOT CMAKE_CROSSCOMPILING AND NOT CMAKE_HOST_WIN32)
    add_test(NAME adapter.headers
             COMMAND "${POLLUX_SH}" "${CMAKE_CURRENT_SOURCE_DIR}/adapter_headers.sh"
                     "${CMAKE_C_COMPILER}")
    set_tests_properties(adapter.headers PROPERTIES TIMEOUT 120 LABELS adapter)
endif()
