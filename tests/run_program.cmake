cmake_minimum_required(VERSION 3.20)

# Runs a program, which ends with 0 if all is well. An emulator fails to start one in a thousand
# (tests/run_case.cmake): one that has failed and said nothing runs once more.
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE result OUTPUT_VARIABLE output
                ERROR_VARIABLE output)
list(LENGTH EMULATOR words)
if(NOT result EQUAL 0 AND output STREQUAL "" AND words GREATER 0)
    message("not started (${result}); once more")
    execute_process(COMMAND ${COMMAND} RESULT_VARIABLE result OUTPUT_VARIABLE output
                    ERROR_VARIABLE output)
endif()
message("${output}")
if(NOT result EQUAL 0)
    message(FATAL_ERROR "ended with ${result}")
endif()
