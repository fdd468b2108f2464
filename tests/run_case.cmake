# Runs one case and demands both that the program ends with 0 and that Check says it ran a check:
# either alone can be had without the other.
execute_process(COMMAND ${COMMAND} ${ARGUMENTS} RESULT_VARIABLE result OUTPUT_VARIABLE output
                ERROR_VARIABLE output)
message("${output}")
if(NOT result EQUAL 0)
    message(FATAL_ERROR "ended with ${result}")
endif()
if(NOT output MATCHES "100%: Checks: 1, Failures: 0, Errors: 0")
    message(FATAL_ERROR "no check was run to its end")
endif()
