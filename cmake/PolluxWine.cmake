# Tests that run under Wine: the prefix, a fixture that keeps one process of it alive, and what has
# their programs start sooner.
#
# Each test would else start Wine's own services anew, which takes 2.5 s; with somebody at home it
# is 30 ms. Sets pollux_wine_environment for set_tests_properties(... ENVIRONMENT).

execute_process(COMMAND sh "${PROJECT_SOURCE_DIR}/ci/wine-prefix.sh" OUTPUT_VARIABLE prefix
                OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "ci/wine-prefix.sh failed; the tests for Windows run under Wine (Debian: "
                        "wine64).")
endif()
set(pollux_wine_environment "WINEPREFIX=${prefix};WINEDEBUG=-all")

add_executable(wine_keeper wine_keeper.c)
pollux_compile_options(wine_keeper)
target_include_directories(wine_keeper PRIVATE "${PROJECT_SOURCE_DIR}")
target_link_libraries(wine_keeper PRIVATE pollux_testing)
set(keeper_file "${PROJECT_BINARY_DIR}/wine_keeper.alive")
add_test(NAME wine.start
         COMMAND sh "${CMAKE_CURRENT_SOURCE_DIR}/wine_keeper.sh" start
                 "${CMAKE_CROSSCOMPILING_EMULATOR}" "$<TARGET_FILE:wine_keeper>" "${keeper_file}")
add_test(NAME wine.stop COMMAND sh "${CMAKE_CURRENT_SOURCE_DIR}/wine_keeper.sh" stop
                                "${CMAKE_CROSSCOMPILING_EMULATOR}" "" "${keeper_file}")
set_tests_properties(wine.start PROPERTIES FIXTURES_SETUP wine TIMEOUT 120
                                           ENVIRONMENT "${pollux_wine_environment}")
set_tests_properties(wine.stop PROPERTIES FIXTURES_CLEANUP wine TIMEOUT 60
                                          ENVIRONMENT "${pollux_wine_environment}")

# A program that has user32.dll takes twice as long to start, for it is what knows of windows and
# fonts. libuv alone wants it: it is loaded when libuv calls it. Sets pollux_wine_link_options. Not
# with binutils 2.44, which makes the addresses of such functions read-only, so that the first call
# crashes (msys2/MINGW-packages, issue 23577); later ones were not tried.
set(pollux_wine_link_options "")
execute_process(COMMAND "${CMAKE_DLLTOOL}" --version OUTPUT_VARIABLE version
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "[0-9]+\\.[0-9]+" version "${version}")
if(version VERSION_LESS 2.44)
    set(user32 "${PROJECT_BINARY_DIR}/late_user32")
    file(WRITE "${user32}.def" "LIBRARY user32.dll
EXPORTS
DispatchMessageA
GetMessageA
GetSystemMetrics
MapVirtualKeyW
TranslateMessage
")
    execute_process(COMMAND "${CMAKE_DLLTOOL}" -d "${user32}.def" -y "${user32}.a"
                    COMMAND_ERROR_IS_FATAL ANY)
    set(pollux_wine_link_options "-Wl,--whole-archive,${user32}.a,--no-whole-archive")
endif()
