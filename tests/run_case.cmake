cmake_minimum_required(VERSION 3.20)

# Runs one case and demands both that the program ends with 0 and that Check says it ran a check:
# either alone can be had without the other.
execute_process(COMMAND ${COMMAND} ${ARGUMENTS} RESULT_VARIABLE result OUTPUT_VARIABLE output
                ERROR_VARIABLE output)
# Check speaks before it runs anything. A program that has said nothing was never started, which an
# emulator brings about once in a thousand times; there is nothing to judge yet.
list(LENGTH COMMAND words)
if(output STREQUAL "" AND words GREATER 1)
    message("not started (${result}); once more")
    execute_process(COMMAND ${COMMAND} ${ARGUMENTS} RESULT_VARIABLE result OUTPUT_VARIABLE output
                    ERROR_VARIABLE output)
endif()
message("${output}")
if(NOT result EQUAL 0)
    message(FATAL_ERROR "ended with ${result}")
endif()
if(NOT output MATCHES "100%: Checks: 1, Failures: 0, Errors: 0")
    message(FATAL_ERROR "no check was run to its end")
endif()
