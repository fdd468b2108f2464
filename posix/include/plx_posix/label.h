/* plx_posix/label.h - how a function of POSIX binds to the layer.
 *
 * By an assembler label, never by a macro, so that members and function pointers that are called
 * read, close or stat stay what they are.
 */
#ifndef PLX_POSIX_LABEL_H
#define PLX_POSIX_LABEL_H

#define PLX_POSIX_TEXT_OF(text) #text
#define PLX_POSIX_TEXT(text)    PLX_POSIX_TEXT_OF(text)
#define PLX_POSIX_LABEL(symbol) __asm__(PLX_POSIX_TEXT(__USER_LABEL_PREFIX__) symbol)
/* PLX_POSIX_CALL: the symbol of the layer for a function whose name a library of mingw-w64's has
 * too; it may be a macro of mingw-w64's. PLX_POSIX_NEW: for one that none has. */
#ifdef PLX_POSIX_INSIDE /* The layer's own files define them, and call each other. */
#define PLX_POSIX_CALL(name) PLX_POSIX_LABEL("plx_posix_" #name)
#define PLX_POSIX_NEW(name)  PLX_POSIX_LABEL("plx_posix_" #name)
#else
#define PLX_POSIX_CALL(name) PLX_POSIX_LABEL("plx_call_" #name)
#define PLX_POSIX_NEW(name)
#endif

#ifdef __cplusplus
#define PLX_POSIX_BEGIN extern "C" {
#define PLX_POSIX_END   }
#else
#define PLX_POSIX_BEGIN
#define PLX_POSIX_END
#endif

#endif
