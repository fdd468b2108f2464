cmake_minimum_required(VERSION 3.20)

# The test `retry.bug`: the search of the example retry finds its bug, and the seed replays.
#
#   cmake -DRETRY=... -DFOLDER=... [-DEMULATOR=...] -P examples_retry.cmake
#
# The seed that `retry --search --bug` prints must fail again when it is replayed, with the same
# words, and twice with the same trace, byte for byte. Without the bug the same seed must pass. The
# JSON file must have what the Trace Event Format demands.

file(MAKE_DIRECTORY "${FOLDER}")

# retry(CODE ARGUMENT...): runs it, and demands the exit code. Sets `output`.
function(retry code)
    foreach(attempt RANGE 1)
        execute_process(COMMAND ${EMULATOR} "${RETRY}" ${ARGN} WORKING_DIRECTORY "${FOLDER}"
                        RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE error)
        # It always prints. If not, it was never started, as tests/run_case.sh explains.
        if(NOT EMULATOR OR NOT "${output}${error}" STREQUAL "")
            break()
        endif()
    endforeach()
    string(REPLACE "\r" "" output "${output}")
    string(REPLACE "\r" "" error "${error}")
    message("retry ${ARGN}\n${output}${error}")
    if(NOT result EQUAL code)
        message(FATAL_ERROR "it ended with ${result} and not with ${code}")
    endif()
    set(output "${output}${error}" PARENT_SCOPE)
endfunction()

# json_has(JSON INDEX NAME TYPE): the event at INDEX has a member of that type.
function(json_has json index name type)
    string(JSON got ERROR_VARIABLE error TYPE "${json}" ${index} ${name})
    if(NOT got STREQUAL type)
        message(FATAL_ERROR "event ${index}: \"${name}\" is ${got}, and not ${type} ${error}")
    endif()
endfunction()

retry(1 --search --bug)
if(NOT output MATCHES "seed ([0-9]+) fails: ([^\n]+)\nreplay: retry ([^\n]+)\n")
    message(FATAL_ERROR "it does not say what failed and how to replay it")
endif()
set(seed ${CMAKE_MATCH_1})
set(failure "${CMAKE_MATCH_2}")
string(REPLACE " " ";" replay "${CMAKE_MATCH_3}")

# The command is the one that it prints. Its files are renamed, for the second run to write others.
foreach(run first second)
    retry(1 ${replay})
    string(FIND "${output}" "seed ${seed} fails: ${failure}\n" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "it fails in another way")
    endif()
    file(RENAME "${FOLDER}/trace.txt" "${FOLDER}/${run}.txt")
    file(RENAME "${FOLDER}/trace.json" "${FOLDER}/${run}.json")
endforeach()
foreach(type txt json)
    file(SHA256 "${FOLDER}/first.${type}" first)
    file(SHA256 "${FOLDER}/second.${type}" second)
    if(NOT first STREQUAL second)
        message(FATAL_ERROR "${FOLDER}: first.${type} and second.${type} differ")
    endif()
endforeach()
file(READ "${FOLDER}/first.txt" trace)
string(FIND "${trace}" "${failure}" at)
if(at EQUAL -1)
    message(FATAL_ERROR "the trace does not say what failed")
endif()

# CMake parses the whole file for each question, so the events in the middle are left to the parser.
file(READ "${FOLDER}/first.json" json)
string(JSON events LENGTH "${json}")
string(REGEX MATCHALL "\n" lines "${trace}")
list(LENGTH lines lines)
if(events LESS_EQUAL lines)
    message(FATAL_ERROR "${events} events, and ${lines} lines in the trace")
endif()
math(EXPR last "${events} - 1")
foreach(index 0 1 10 ${last})
    json_has("${json}" ${index} name STRING)
    json_has("${json}" ${index} ph STRING)
    json_has("${json}" ${index} pid NUMBER)
    json_has("${json}" ${index} tid NUMBER)
endforeach()
json_has("${json}" ${last} ts NUMBER)

retry(0 --seed ${seed})
retry(2 --seed)
retry(2 --search --trace trace.txt)
retry(0 --help)
