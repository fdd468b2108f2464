# What "cmake --install" puts where: the library and its headers, the package for find_package(),
# the file for pkg-config, the tool and its manual page, the licence, the documents, the examples.

include(CMakePackageConfigHelpers)

set(pollux_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/pollux")

install(TARGETS pollux EXPORT pollux-targets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
                                             LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
                                             RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(FILES ${pollux_headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/pollux")
# They need their libraries only where a program includes them.
install(FILES ${pollux_adapters} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/pollux/adapters")
install(EXPORT pollux-targets NAMESPACE pollux:: DESTINATION "${pollux_package_dir}")
if(TARGET pollux_tool)
    install(TARGETS pollux_tool RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
    install(FILES "${PROJECT_SOURCE_DIR}/docs/pollux.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
endif()

# A static library with libuv or liburing inside hands it on to who links it.
set(POLLUX_NEEDS_LIBUV OFF)
if(pollux_libuv_target AND NOT BUILD_SHARED_LIBS)
    set(POLLUX_NEEDS_LIBUV ON)
    install(FILES "${PROJECT_SOURCE_DIR}/cmake/PolluxLibuv.cmake"
            DESTINATION "${pollux_package_dir}")
endif()
set(POLLUX_NEEDS_LIBURING OFF)
if(pollux_liburing_target AND NOT BUILD_SHARED_LIBS)
    set(POLLUX_NEEDS_LIBURING ON)
    install(FILES "${PROJECT_SOURCE_DIR}/cmake/PolluxLiburing.cmake"
            DESTINATION "${pollux_package_dir}")
endif()
set(POLLUX_HAS_POSIX OFF)
set(POLLUX_POSIX_REASON "it was built without the POSIX layer (POLLUX_BUILD_POSIX=OFF)")
if(TARGET pollux_posix)
    set(POLLUX_HAS_POSIX ON)
elseif(NOT MINGW)
    set(POLLUX_POSIX_REASON "on Windows the POSIX layer can be built with mingw-w64 only, and this \
Pollux was built with ${CMAKE_C_COMPILER_ID}")
endif()
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/pollux-config.cmake.in"
                              "${PROJECT_BINARY_DIR}/pollux-config.cmake"
                              INSTALL_DESTINATION "${pollux_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/pollux-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/pollux-config.cmake"
              "${PROJECT_BINARY_DIR}/pollux-config-version.cmake"
        DESTINATION "${pollux_package_dir}")

set(pollux_pc_cflags "")
set(pollux_pc_libs_private "${CMAKE_THREAD_LIBS_INIT}")
set(pollux_pc_requires_private "")
if(BUILD_SHARED_LIBS)
    set(pollux_pc_cflags " -DPOLLUX_SHARED")
endif()
if(WIN32)
    string(APPEND pollux_pc_libs_private " -lws2_32 -lmswsock")
endif()
if(POLLUX_NEEDS_LIBUV)
    list(APPEND pollux_pc_requires_private libuv)
endif()
if(POLLUX_NEEDS_LIBURING)
    list(APPEND pollux_pc_requires_private liburing)
endif()
list(JOIN pollux_pc_requires_private ", " pollux_pc_requires_private)
include(PolluxPc)
configure_file("${PROJECT_SOURCE_DIR}/cmake/pollux.pc.in" "${PROJECT_BINARY_DIR}/pollux.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/pollux.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# The documents and examples as they lie in the source, so that the links between them work.
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/README.md"
              "${PROJECT_SOURCE_DIR}/CONTRIBUTING.md" "${PROJECT_SOURCE_DIR}/SECURITY.md"
              "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
        DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs" DESTINATION "${CMAKE_INSTALL_DOCDIR}"
        FILES_MATCHING PATTERN "*.md")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples" DESTINATION "${CMAKE_INSTALL_DOCDIR}"
        FILES_MATCHING PATTERN "*.c")
