# Runs tidy over everything that is written by hand.
file(GLOB_RECURSE files RELATIVE "${ROOT}" "${ROOT}/include/*.h" "${ROOT}/core/*.[ch]"
     "${ROOT}/platform/*.[ch]" "${ROOT}/backends/*.[ch]" "${ROOT}/tests/*.[ch]"
     "${ROOT}/tests/*.sh" "${ROOT}/tests/*.cmake" "${ROOT}/tests/CMakeLists.txt"
     "${ROOT}/tools/*.[ch]" "${ROOT}/examples/*.c" "${ROOT}/bench/*.[ch]" "${ROOT}/ci/*"
     "${ROOT}/cmake/*" "${ROOT}/docs/*.md")
list(APPEND files CMakeLists.txt README.md CONTRIBUTING.md)
execute_process(COMMAND "${TIDY}" "${ROOT}" ${files} RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "see above")
endif()
