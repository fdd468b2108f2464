# Tests of the command-line program, for a build that has it. Included by tests/CMakeLists.txt.

pollux_suite(tool_units SOURCES tool_units.c tool_histogram.c tool_http.c tool_options.c
                                tool_process.c tool_reply.c tool_settings.c tool_table.c)
target_link_libraries(tool_units PRIVATE pollux_tool_parts)

pollux_suite(tool_services BACKENDS ${pollux_backends} SOURCES tool_services.c)
target_link_libraries(tool_services PRIVATE pollux_tool_parts)

pollux_suite(tool_load BACKENDS ${pollux_backends} SOURCES tool_load.c)
target_link_libraries(tool_load PRIVATE pollux_tool_parts)

add_executable(fuzz_http fuzz_http.c)
pollux_compile_options(fuzz_http)
target_link_libraries(fuzz_http PRIVATE pollux_tool_parts pollux_testing)
pollux_program_test(fuzz_http fuzz_http)
set_tests_properties(fuzz_http PROPERTIES TIMEOUT 300 LABELS fuzz)
if(fixture)
    set_tests_properties(fuzz_http PROPERTIES FIXTURES_REQUIRED ${fixture}
                                              ENVIRONMENT "${pollux_wine_environment}")
endif()

# The program as its users have it. On Windows itself there is no POSIX shell to count on.
find_program(POLLUX_SH sh)
mark_as_advanced(POLLUX_SH)
# What the scripts about whole programs find, sanitizers would not find more of, and be slow.
set(scripts tool_serve tool_live)
set(scripts_of_unix takeover)
if(NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
    list(APPEND scripts tool_compare)
    list(APPEND scripts_of_unix systemd)
endif()
if(POLLUX_SH AND NOT CMAKE_HOST_WIN32)
    foreach(script IN LISTS scripts)
        add_test(NAME ${script}
                 COMMAND "${POLLUX_SH}" "${CMAKE_CURRENT_SOURCE_DIR}/${script}.sh"
                         $<TARGET_FILE:pollux_tool> ${CMAKE_CROSSCOMPILING_EMULATOR})
        set_tests_properties(${script} PROPERTIES TIMEOUT 600 COST 100 LABELS tool)
        if(fixture)
            set_tests_properties(${script} PROPERTIES FIXTURES_REQUIRED ${fixture}
                                                      ENVIRONMENT "${pollux_wine_environment}")
        elseif(CMAKE_C_FLAGS MATCHES "-fsanitize=thread")
            set_tests_properties(${script} PROPERTIES ENVIRONMENT POLLUX_HAS_TSAN=1)
        endif()
    endforeach()
endif()

# Wine 8 has no Unix-domain sockets, and no system but Unix has systemd.
if(POLLUX_SH AND UNIX)
    foreach(name IN LISTS scripts_of_unix)
        add_test(NAME tool_${name}
                 COMMAND "${POLLUX_SH}" "${CMAKE_CURRENT_SOURCE_DIR}/tool_${name}.sh"
                         $<TARGET_FILE:pollux_tool>)
        set_tests_properties(tool_${name} PROPERTIES TIMEOUT 900 COST 100 LABELS tool)
    endforeach()
endif()

# Behind HAProxy, where it is installed: it runs on Unix.
if(POLLUX_SH AND UNIX AND NOT CMAKE_CROSSCOMPILING AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
    add_test(NAME haproxy COMMAND "${POLLUX_SH}" "${CMAKE_CURRENT_SOURCE_DIR}/haproxy.sh"
                                  $<TARGET_FILE:pollux_tool>)
    set_tests_properties(haproxy PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77 LABELS tool)
endif()
