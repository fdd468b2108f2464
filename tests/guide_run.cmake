cmake_minimum_required(VERSION 3.20)

# The test `guide`: compiles the C code of the documents (tests/guide.cmake) and runs the programs.
#
#   cmake -DBUILD=... -DCONFIG=... -DFOLDER=... -DBACKENDS=a,b [-DEMULATOR=...] [-DSH=...]
#         -P guide_run.cmake
#
# Each program runs on each backend. It must end with 0, and print what the document says it prints.
# SH, a POSIX shell, also starts the servers and has client.c talk to them.

set(config "")
if(CONFIG)
    set(config --config "${CONFIG}")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build "${BUILD}" ${config} --target guide_blocks
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "The code of the documents does not compile:\n${output}")
endif()
file(READ "${FOLDER}/errors.txt" errors)
if(NOT errors STREQUAL "")
    message(FATAL_ERROR "${errors}")
endif()
include("${FOLDER}/manifest-${CONFIG}.cmake")
if(NOT "client" IN_LIST programs)
    message(FATAL_ERROR "the documents have no program client.c")
endif()

# run_program(NAME): sets `result`, `output` and `error`.
macro(run_program name)
    execute_process(COMMAND ${EMULATOR} "${file_${name}}" RESULT_VARIABLE result TIMEOUT 60
                    OUTPUT_VARIABLE output ERROR_VARIABLE error)
    string(REPLACE "\r" "" output "${output}")
endmacro()

function(check_program name)
    run_program(${name})
    # Every program prints. One that printed nothing was never started, as tests/run_case.sh
    # explains.
    if(EMULATOR AND output STREQUAL "" AND error STREQUAL "")
        message("${name} was not started (${result}); once more")
        run_program(${name})
    endif()
    if(NOT result EQUAL 0 OR output STREQUAL "")
        message(FATAL_ERROR "${name} on $ENV{POLLUX_BACKEND} ended with ${result}:\n"
                            "${output}${error}")
    endif()
    if(EXISTS "${FOLDER}/${name}.expected")
        file(READ "${FOLDER}/${name}.expected" expected)
        if(NOT output STREQUAL expected)
            message(FATAL_ERROR "${name} on $ENV{POLLUX_BACKEND} prints\n${output}and the guide "
                                "says\n${expected}")
        endif()
    endif()
endfunction()

function(check_server name exit_code)
    execute_process(COMMAND "${SH}" "${CMAKE_CURRENT_LIST_DIR}/guide_server.sh" ${exit_code}
                            "${file_${name}}" "${file_client}" ${EMULATOR}
                    RESULT_VARIABLE result TIMEOUT 120 OUTPUT_VARIABLE output
                    ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${name} on $ENV{POLLUX_BACKEND} failed:\n${output}")
    endif()
endfunction()

# A connect may have failed when plx_connect() returns 0, and the client must still tell why.
function(check_client_failure)
    execute_process(COMMAND "${file_client}" unix:/nowhere/nobody hello RESULT_VARIABLE result
                    TIMEOUT 60 OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 1 OR NOT output MATCHES "no such file or directory")
        message(FATAL_ERROR "client on $ENV{POLLUX_BACKEND}, with nobody there, ended with "
                            "${result}:\n${output}")
    endif()
endfunction()

string(REPLACE "," ";" backends "${BACKENDS}")
foreach(backend IN LISTS backends)
    set(ENV{POLLUX_BACKEND} ${backend})
    if(SH AND NOT EMULATOR)
        check_client_failure()
    endif()
    foreach(name IN LISTS programs)
        if(name STREQUAL "client")
            continue() # It needs a server.
        elseif(kind_${name} STREQUAL "program")
            check_program(${name})
        elseif(SH AND kind_${name} STREQUAL "graceful_server")
            check_server(${name} 0)
        elseif(SH)
            check_server(${name} 143)
        endif()
    endforeach()
endforeach()
message("guide: ${programs} on ${backends}")
