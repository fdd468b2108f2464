cmake_minimum_required(VERSION 3.20)

# The test `sim.shrink`: `sim_seeds --shrink` finds a smaller run that fails, and the command that
# it prints fails in the same way.
#
#   cmake -DSEEDS=... [-DEMULATOR=...] -P sim_shrink.cmake
#
# What fails is a promise that --break-promise breaks, so the library need not be broken for it.

# seeds(CODE ARGUMENT...): runs it, and demands the exit code; `fails` stands for any but 0. Sets
# `output`.
function(seeds code)
    foreach(attempt RANGE 1)
        execute_process(COMMAND ${EMULATOR} "${SEEDS}" ${ARGN} RESULT_VARIABLE result
                        OUTPUT_VARIABLE output ERROR_VARIABLE error)
        # It always prints. If not, it was never started, as tests/run_case.sh explains.
        if(NOT EMULATOR OR NOT "${output}${error}" STREQUAL "")
            break()
        endif()
    endforeach()
    string(REPLACE "\r" "" error "${error}")
    message("sim_seeds ${ARGN}\n${error}")
    if(code STREQUAL "fails")
        if(result EQUAL 0)
            message(FATAL_ERROR "it did not fail")
        endif()
    elseif(NOT result EQUAL code)
        message(FATAL_ERROR "it ended with ${result} and not with ${code}")
    endif()
    set(output "${error}" PARENT_SCOPE)
endfunction()

# command_find(WORDS): the command behind these words. Sets `command`, a list of its arguments, and
# `streams`, `bytes` and `faults`.
function(command_find words)
    set(limits "--seed 7 --streams ([0-9]+) --bytes ([0-9]+) --faults ([0-9]+)")
    if(NOT output MATCHES "${words}: [^\n]* (${limits} [^\n]*)\n$")
        message(FATAL_ERROR "its last line is not a command that runs the seed again")
    endif()
    set(streams ${CMAKE_MATCH_2} PARENT_SCOPE)
    set(bytes ${CMAKE_MATCH_3} PARENT_SCOPE)
    set(faults ${CMAKE_MATCH_4} PARENT_SCOPE)
    string(REPLACE " " ";" command "${CMAKE_MATCH_1}")
    set(command ${command} PARENT_SCOPE)
endfunction()

# broken_check(): a promise was broken, and not something else.
function(broken_check)
    if(NOT output MATCHES "r.received < wrong does not hold\n")
        message(FATAL_ERROR "it failed in another way")
    endif()
endfunction()

set(broken --seed 7 --break-promise 3000)
seeds(fails ${broken})
broken_check()
command_find("failed; again")
seeds(fails ${command})
broken_check()
set(streams_before ${streams})
set(bytes_before ${bytes})
set(faults_before ${faults})

seeds(0 ${broken} --shrink)
if(NOT output MATCHES "it fails with [0-9]+ streams, [0-9]+ bytes, faults [0-9]+\n")
    message(FATAL_ERROR "it does not say what it finds on its way")
endif()
command_find("the smallest")
if(NOT streams LESS streams_before OR NOT bytes LESS bytes_before OR NOT faults LESS faults_before)
    message(FATAL_ERROR "it is not smaller")
endif()
seeds(fails ${command})
broken_check()
command_find("failed; again")

seeds(1 --seed 7 --shrink)
seeds(2 --seed 7 --break-promise)
seeds(2 --seed 7 --break-promise 4294967296)
