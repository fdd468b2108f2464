cmake_minimum_required(VERSION 3.20)

# Runs one case and demands both that the program ends with 0 and that Check says it ran a check:
# either alone can be had without the other.
list(APPEND COMMAND ${ARGUMENTS})
include("${CMAKE_CURRENT_LIST_DIR}/run_program.cmake")
if(NOT output MATCHES "100%: Checks: 1, Failures: 0, Errors: 0")
    message(FATAL_ERROR "no check was run to its end")
endif()
