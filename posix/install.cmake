# What of the POSIX layer "cmake --install" puts where.

if(NOT POLLUX_INSTALL)
    return()
endif()
install(TARGETS pollux_posix EXPORT pollux-targets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/include/pollux/posix.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/pollux")
set(pollux_posix_libs "")
set(pollux_posix_cflags "")
if(WIN32)
    install(TARGETS pollux_posix_names ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
    install(DIRECTORY include/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/pollux-posix")
    install(PROGRAMS tools/pollux-cc DESTINATION "${CMAKE_INSTALL_BINDIR}")
    set(pollux_posix_libs "${pollux_posix_start} -lpollux-posix -lws2_32 -liphlpapi -ladvapi32")
    set(pollux_posix_cflags " -isystem \${includedir}/pollux-posix")
endif()
include(PolluxPc)
configure_file("${PROJECT_SOURCE_DIR}/cmake/pollux-posix.pc.in"
               "${PROJECT_BINARY_DIR}/pollux-posix.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/pollux-posix.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
