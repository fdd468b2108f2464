/* plx_posix/mingw_begin.h - before the #include_next of a header of mingw-w64's or GCC's: in pure
 * mode these ask for names that prelude.h has taken away, and some lay types out by _WIN64.
 *
 * Without a guard, for such headers include each other. mingw_end.h takes the names away again.
 */
#pragma GCC system_header
#ifdef PLX_POSIX_PURE
#pragma push_macro("_WIN32")
#pragma push_macro("_WIN64")
#pragma push_macro("__MINGW32__")
#pragma push_macro("__MINGW64__")
#undef _WIN32
#undef _WIN64
#undef __MINGW32__
#undef __MINGW64__
#define _WIN32      1
#define _WIN64      1
#define __MINGW32__ 1
#define __MINGW64__ 1
#endif
