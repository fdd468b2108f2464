# Finds liburing, which comes without a CMake package, by pkg-config. When cross-compiling that
# would find the build machine's, unless the environment has pointed pkg-config elsewhere.
#
# What pkg_check_modules() caches is dropped first: liburing may have been installed or removed
# since.
function(pollux_find_liburing target_out)
    set(${target_out} "" PARENT_SCOPE)
    if(CMAKE_CROSSCOMPILING AND NOT DEFINED ENV{PKG_CONFIG_LIBDIR})
        return()
    endif()
    unset(POLLUX_LIBURING_FOUND CACHE)
    unset(pkgcfg_lib_POLLUX_LIBURING_uring CACHE)
    find_package(PkgConfig QUIET)
    if(PKG_CONFIG_FOUND)
        pkg_check_modules(POLLUX_LIBURING QUIET IMPORTED_TARGET GLOBAL liburing>=2.3)
        if(TARGET PkgConfig::POLLUX_LIBURING)
            set(${target_out} PkgConfig::POLLUX_LIBURING PARENT_SCOPE)
        endif()
    endif()
endfunction()
