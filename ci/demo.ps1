# From a Windows with Visual Studio's C++ tools, CMake and Git to the comparison of all backends:
#
#   ci\demo.ps1 [arguments of `pollux compare`]
#
# Libraries come from vcpkg: the one that VCPKG_ROOT (or VCPKG_INSTALLATION_ROOT) names, else a copy
# under %LOCALAPPDATA%\pollux.
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '..')
. (Join-Path $PSScriptRoot 'windows.ps1')

$backends = @('poll', 'select', 'iocp', 'libuv')
$toolchain = Get-Vcpkg @('libuv', 'cjson')
Invoke-Step cmake -S . -B build/msvc-release "-DCMAKE_TOOLCHAIN_FILE=$toolchain" `
    "-DPOLLUX_BACKENDS=$($backends -join ';')" '-DPOLLUX_BUILD_TOOLS=ON'
Invoke-Step cmake --build build/msvc-release --config Release
$pollux = (Get-ChildItem -Recurse build/msvc-release -Filter pollux.exe | Select-Object -First 1)
Invoke-Step $pollux.FullName backends | Tee-Object -Variable table
Assert-Row $table $backends 'pollux backends'
Invoke-Step $pollux.FullName compare @args | Tee-Object -Variable table
if (-not ($args -match '^--(json|help|backends)')) {
    Assert-Row $table $backends 'pollux compare'
}
Write-Host "`nHow to go on:  $($pollux.FullName) --help"
