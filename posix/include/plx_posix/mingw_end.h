/* plx_posix/mingw_end.h - see mingw_begin.h. */
#pragma GCC system_header
#ifdef PLX_POSIX_PURE
#pragma pop_macro("_WIN32")
#pragma pop_macro("_WIN64")
#pragma pop_macro("__MINGW32__")
#pragma pop_macro("__MINGW64__")
#endif
