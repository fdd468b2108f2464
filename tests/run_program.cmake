cmake_minimum_required(VERSION 3.20)

# Runs a program, which ends with 0 if all is well; what it printed is then in `output`.
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE result OUTPUT_VARIABLE output
                ERROR_VARIABLE output)
# All of them print something. One that has printed nothing was never started, which an emulator
# brings about once in a thousand times; there is nothing to judge yet.
if(output STREQUAL "" AND EMULATOR)
    message("not started (${result}); once more")
    execute_process(COMMAND ${COMMAND} RESULT_VARIABLE result OUTPUT_VARIABLE output
                    ERROR_VARIABLE output)
endif()
message("${output}")
if(NOT result EQUAL 0)
    message(FATAL_ERROR "ended with ${result}")
endif()
