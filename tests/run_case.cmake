cmake_minimum_required(VERSION 3.20)

# What run_case.sh does, where the host has no shell, and so no emulator.
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE result OUTPUT_VARIABLE output
                ERROR_VARIABLE output)
message("${output}")
if(NOT result EQUAL 0)
    message(FATAL_ERROR "ended with ${result}")
endif()
string(FIND "${output}" "${EXPECTED}" position)
if(position EQUAL -1)
    message(FATAL_ERROR "it did not print \"${EXPECTED}\"")
endif()
