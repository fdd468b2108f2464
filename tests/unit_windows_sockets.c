#include "tests/harness.h"
extern const test_case unit_windows_sockets_cases[];
const test_case unit_windows_sockets_cases[] = {
    CASES_END,
};
