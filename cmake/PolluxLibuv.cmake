# Finds libuv by its own CMake package, or by pkg-config where (as in Debian) it comes without one.
# When cross-compiling, pkg-config would find the build machine's, unless the environment has
# pointed it elsewhere.
#
# What pkg_check_modules() caches is dropped first: libuv may have been installed or removed since.
function(pollux_find_libuv target_out)
    set(${target_out} "" PARENT_SCOPE)
    find_package(libuv CONFIG QUIET)
    foreach(target libuv::uv_a libuv::libuv libuv::uv uv_a)
        if(TARGET ${target})
            set(${target_out} ${target} PARENT_SCOPE)
            return()
        endif()
    endforeach()
    if(CMAKE_CROSSCOMPILING AND NOT DEFINED ENV{PKG_CONFIG_LIBDIR})
        return()
    endif()
    unset(POLLUX_LIBUV_FOUND CACHE)
    unset(pkgcfg_lib_POLLUX_LIBUV_uv CACHE)
    find_package(PkgConfig QUIET)
    if(PKG_CONFIG_FOUND)
        pkg_check_modules(POLLUX_LIBUV QUIET IMPORTED_TARGET GLOBAL libuv)
        if(TARGET PkgConfig::POLLUX_LIBUV)
            set(${target_out} PkgConfig::POLLUX_LIBUV PARENT_SCOPE)
        endif()
    endif()
endfunction()
