# All suites with MSVC on Windows: ci\test.ps1. See ci\demo.ps1 for what must be there.
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '..')
. (Join-Path $PSScriptRoot 'windows.ps1')

$toolchain = Get-Vcpkg @('check', 'libuv', 'cjson')
Invoke-Step cmake -S . -B build/msvc-debug "-DCMAKE_TOOLCHAIN_FILE=$toolchain" `
    '-DPOLLUX_BACKENDS=poll;select;iocp;libuv' -DPOLLUX_BUILD_TOOLS=ON `
    -DPOLLUX_BUILD_TESTS=ON -DPOLLUX_TEST_CONSUMERS=OFF
Invoke-Step cmake --build build/msvc-debug --config Debug
Invoke-Step ctest --test-dir build/msvc-debug -C Debug --output-on-failure -j 2
