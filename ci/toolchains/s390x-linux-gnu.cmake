# Builds for s390x, which is big-endian, and runs what was built by qemu-user.
#
# It needs a Debian root of that architecture with libc6-dev and the libraries: the one that
# ci/nightly/big-endian.sh makes, or the one that POLLUX_S390X_ROOT in the environment names.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(triplet s390x-linux-gnu)
if(DEFINED ENV{POLLUX_S390X_ROOT})
    set(root "$ENV{POLLUX_S390X_ROOT}")
elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(root "$ENV{XDG_CACHE_HOME}/pollux/roots/s390x")
else()
    set(root "$ENV{HOME}/.cache/pollux/roots/s390x")
endif()

set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_SYSROOT "${root}")
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${root}")
set(ENV{PKG_CONFIG_LIBDIR} "${root}/usr/lib/${triplet}/pkgconfig:${root}/usr/share/pkgconfig")

find_program(pollux_qemu NAMES qemu-s390x-static qemu-s390x)
if(pollux_qemu)
    set(CMAKE_CROSSCOMPILING_EMULATOR "${pollux_qemu};-L;${root}")
endif()
