# Where a file for pkg-config finds what was installed with it: from its own folder, so that neither
# "cmake --install --prefix" nor a move of the whole makes it wrong. Only what the user gave as an
# absolute folder stays one.
#
# Sets pollux_pc_prefix, pollux_pc_libdir and pollux_pc_includedir.

set(pollux_pc_prefix "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    file(RELATIVE_PATH up "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
    string(REGEX REPLACE "/$" "" up "${up}")
    set(pollux_pc_prefix "\${pcfiledir}/${up}")
endif()
foreach(folder libdir includedir)
    string(TOUPPER "CMAKE_INSTALL_${folder}" variable)
    set(pollux_pc_${folder} "${${variable}}")
    if(NOT IS_ABSOLUTE "${${variable}}")
        set(pollux_pc_${folder} "\${prefix}/${${variable}}")
    endif()
endforeach()
