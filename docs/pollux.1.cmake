cmake_minimum_required(VERSION 3.20)

# Writes the manual page pollux.1 from what the program says on --help and --version.
#
#   cmake -DTOOL=PROGRAM -DPAGE=FILE -P pollux.1.cmake               writes FILE
#   cmake -DTOOL=PROGRAM -DPAGE=FILE -DCHECK=ON -P pollux.1.cmake    fails if FILE says otherwise
#
# The page is a part of the repository, so that a cross build, which cannot run the program,
# installs it, too. Its date is the day on which it was written; a check ignores it. Where groff or
# mandoc is installed, a check also fails if it warns about the page.

function(tool_ask out)
    execute_process(COMMAND "${TOOL}" ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${TOOL} ${ARGN} ended with ${result}")
    endif()
    string(REPLACE "\r" "" output "${output}")
    set(${out} "${output}" PARENT_SCOPE)
endfunction()

# roff(OUT TEXT): the text with what roff would take for its own marked as text. Options keep their
# hyphens, so that they can be copied from the page.
function(roff out text)
    string(REPLACE "\\" "\\e" text "${text}")
    string(REGEX REPLACE "(^|[ ('\"])--([a-z])" "\\1\\\\-\\\\-\\2" text "${text}")
    string(REGEX REPLACE "(^|\n)([.'])" "\\1\\\\&\\2" text "${text}")
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

# line_next(): takes the first line off `rest` into `line`. The text is never a list of CMake's:
# semicolons and brackets would be lost.
macro(line_next)
    string(FIND "${rest}" "\n" line_end)
    string(SUBSTRING "${rest}" 0 ${line_end} line)
    math(EXPR line_end "${line_end} + 1")
    string(SUBSTRING "${rest}" ${line_end} -1 rest)
endmacro()

# help_write(TEXT): one help text, without its usage. Its parts are paragraphs, terms (two blanks,
# an option or a command, and what it is, continued under its first word), lists within a term (two
# blanks deeper), and examples.
function(help_write text)
    set(rest "${text}")
    set(state paragraph) # paragraph, term, sublist, examples
    set(column 0)        # Where the text of terms begins.
    set(page "")
    while(NOT rest STREQUAL "")
        line_next()
        string(LENGTH "${line}" length)
        set(indent 0)
        if(line MATCHES "^( *)[^ ]")
            string(LENGTH "${CMAKE_MATCH_1}" indent)
        endif()
        if(line STREQUAL "")
            if(state STREQUAL "sublist")
                string(APPEND page ".RE\n")
            elseif(state STREQUAL "examples")
                string(APPEND page ".EE\n.RE\n")
            endif()
            set(state blank)
        elseif(line STREQUAL "Examples:")
            string(APPEND page ".P\nExamples:\n.RS\n.EX\n")
            set(state examples)
        elseif(state STREQUAL "examples")
            string(STRIP "${line}" line)
            string(REPLACE "-" "\\-" line "${line}")
            string(APPEND page "${line}\n")
        elseif(indent EQUAL 2 AND line MATCHES "^  ([a-z-]+)( [A-Z][A-Z,=]*)? +(.*)$")
            set(name "${CMAKE_MATCH_1}")
            set(value "${CMAKE_MATCH_2}")
            set(what "${CMAKE_MATCH_3}")
            string(LENGTH "${what}" column)
            math(EXPR column "${length} - ${column}")
            if(state STREQUAL "sublist")
                string(APPEND page ".RE\n")
            endif()
            string(REPLACE "-" "\\-" name "${name}")
            string(REGEX REPLACE "^ (.+)$" " \\\\fI\\1\\\\fR" value "${value}")
            roff(what "${what}")
            string(APPEND page ".TP\n\\fB${name}\\fR${value}\n${what}\n")
            set(state term)
        elseif(indent GREATER column AND state MATCHES "^(term|sublist)$" AND
               line MATCHES "^ +([a-z-]+) +(.*)$")
            set(name "${CMAKE_MATCH_1}")
            set(what "${CMAKE_MATCH_2}")
            string(REPLACE "-" "\\-" name "${name}")
            if(state STREQUAL "term")
                string(APPEND page ".RS\n")
            endif()
            roff(what "${what}")
            string(APPEND page ".TP\n\\fB${name}\\fR\n${what}\n")
            set(state sublist)
        else()
            if(state STREQUAL "blank")
                string(APPEND page ".P\n")
                set(state paragraph)
            elseif(state STREQUAL "sublist") # It goes on with the term itself.
                string(APPEND page ".RE\n")
                set(state term)
            endif()
            string(STRIP "${line}" line)
            roff(line "${line}")
            string(APPEND page "${line}\n")
        endif()
    endwhile()
    if(state STREQUAL "examples")
        string(APPEND page ".EE\n.RE\n")
    endif()
    set(help_page "${page}" PARENT_SCOPE)
endfunction()

# help_split(TEXT): the usage, without that word, and the rest, which begins with what it does.
function(help_split text)
    if(NOT text MATCHES "^usage: ([^\n]+)\n\n(.*)$")
        message(FATAL_ERROR "this help does not begin with \"usage:\":\n${text}")
    endif()
    set(usage "${CMAKE_MATCH_1}" PARENT_SCOPE)
    set(help "${CMAKE_MATCH_2}" PARENT_SCOPE)
endfunction()

# usage_roff(OUT USAGE): the name in bold, and what stands for something in italics.
function(usage_roff out usage)
    string(REGEX REPLACE "^(pollux( [a-z]+)?)" "\\\\fB\\1\\\\fR" usage "${usage}")
    string(REGEX REPLACE "([A-Z][A-Z]+)" "\\\\fI\\1\\\\fR" usage "${usage}")
    string(REPLACE "..." "\\&..." usage "${usage}")
    set(${out} "${usage}" PARENT_SCOPE)
endfunction()

function(page_make out date)
    tool_ask(version --version)
    string(STRIP "${version}" version)
    tool_ask(text --help)
    help_split("${text}")
    string(REGEX REPLACE "\nExamples:.*" "" commands "${help}")
    string(REGEX MATCHALL "\n  [a-z]+ " names "${commands}")
    string(REGEX REPLACE "\n.*" "" summary "${help}")
    string(REGEX REPLACE "\\.$" "" summary "${summary}")
    string(SUBSTRING "${summary}" 0 1 first)
    string(TOLOWER "${first}" first)
    string(SUBSTRING "${summary}" 1 -1 summary)
    usage_roff(usage "${usage}")
    help_write("${help}")
    set(page "")
    string(APPEND page ".\\\" Written by docs/pollux.1.cmake from what pollux prints on --help.\n"
                       ".TH POLLUX 1 \"${date}\" \"${version}\" \"User Commands\"\n"
                       ".SH NAME\n"
                       "pollux \\- ${first}${summary}\n"
                       ".SH SYNOPSIS\n"
                       "${usage}\n"
                       ".SH DESCRIPTION\n")
    string(APPEND page "${help_page}")
    string(APPEND page ".SH COMMANDS\n")
    foreach(name IN LISTS names)
        string(STRIP "${name}" name)
        tool_ask(text ${name} --help)
        help_split("${text}")
        usage_roff(usage "${usage}")
        help_write("${help}")
        string(APPEND page ".SS pollux ${name}\n${usage}\n.P\n")
        string(APPEND page "${help_page}")
    endforeach()
    set(${out} "${page}" PARENT_SCOPE)
endfunction()

# page_lint(COMMAND...): fails if the command fails or prints anything, as it does for a bad page.
function(page_lint)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                    ERROR_VARIABLE output)
    if(NOT result EQUAL 0 OR NOT output STREQUAL "")
        message(FATAL_ERROR "${ARGN} ended with ${result}:\n${output}")
    endif()
endfunction()

if(NOT CHECK)
    string(TIMESTAMP date "%Y-%m-%d" UTC)
    page_make(page "${date}")
    file(WRITE "${PAGE}" "${page}")
    return()
endif()
file(READ "${PAGE}" old)
if(NOT old MATCHES "\n[.]TH POLLUX 1 \"([0-9-]+)\"")
    message(FATAL_ERROR "${PAGE} has no date")
endif()
page_make(page "${CMAKE_MATCH_1}")
if(NOT page STREQUAL old)
    message(FATAL_ERROR "${PAGE} differs from what the program says on --help; the target "
                        "pollux_man writes it anew")
endif()
find_program(GROFF groff)
if(GROFF)
    page_lint("${GROFF}" -man -ww -z "${PAGE}")
endif()
find_program(MANDOC mandoc)
if(MANDOC)
    page_lint("${MANDOC}" -Tlint -Wwarning "${PAGE}")
endif()
