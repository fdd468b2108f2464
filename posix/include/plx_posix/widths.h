/* plx_posix/widths.h - whether limits.h and stdint.h have C23's numbers of bits: where the GNU C
 * library's do.
 */
#ifndef PLX_POSIX_WIDTHS_H
#define PLX_POSIX_WIDTHS_H

#if defined _GNU_SOURCE || defined __STDC_WANT_IEC_60559_BFP_EXT__ ||                              \
    (defined __STDC_VERSION__ && __STDC_VERSION__ > 201710L)
#define PLX_POSIX_WIDTHS 1
#endif

#endif
