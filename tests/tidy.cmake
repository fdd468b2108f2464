# Runs tidy over everything that is written by hand.
file(GLOB_RECURSE files RELATIVE "${ROOT}" "${ROOT}/include/*.h" "${ROOT}/core/*.[ch]"
     "${ROOT}/platform/*.[ch]" "${ROOT}/backends/*.[ch]" "${ROOT}/posix/*.[ch]"
     "${ROOT}/tests/*.[ch]"
     "${ROOT}/tests/*.sh" "${ROOT}/tests/*.cmake" "${ROOT}/tests/CMakeLists.txt"
     "${ROOT}/tools/*.[ch]" "${ROOT}/examples/*.[ch]" "${ROOT}/bench/*.[ch]" "${ROOT}/bench/*.cpp"
     "${ROOT}/bench/*.py" "${ROOT}/bench/CMakeLists.txt" "${ROOT}/ci/*"
     "${ROOT}/cmake/*" "${ROOT}/docs/*.md")
# README shows the shortest example: the very one that is built and tested.
file(READ "${ROOT}/README.md" readme)
file(READ "${ROOT}/examples/echo.c" echo)
string(FIND "${echo}" "\n" first_line)
math(EXPR first_line "${first_line} + 1")
string(SUBSTRING "${echo}" ${first_line} -1 echo)
string(FIND "${readme}" "${echo}" at)
if(at EQUAL -1)
    message(FATAL_ERROR "README.md does not show examples/echo.c as it is")
endif()

list(APPEND files CMakeLists.txt README.md CONTRIBUTING.md)
execute_process(COMMAND "${TIDY}" "${ROOT}" ${files} RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "see above")
endif()
