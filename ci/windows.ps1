# What demo.ps1 and test.ps1 share.

# Runs a program, and stops the script if it fails.
function Invoke-Step {
    $program, $rest = $args
    & $program @rest
    if ($LASTEXITCODE -ne 0) {
        throw "$program ended with $LASTEXITCODE"
    }
}

# Installs libraries with vcpkg, and returns its toolchain file.
function Get-Vcpkg([string[]] $ports) {
    $root = $env:VCPKG_ROOT
    if (-not $root) { $root = $env:VCPKG_INSTALLATION_ROOT }
    if (-not $root) {
        $root = Join-Path $env:LOCALAPPDATA 'pollux\vcpkg'
        if (-not (Test-Path $root)) {
            Invoke-Step git clone --depth 1 https://github.com/microsoft/vcpkg $root | Out-Host
            Invoke-Step (Join-Path $root 'bootstrap-vcpkg.bat') -disableMetrics | Out-Host
        }
    }
    Invoke-Step (Join-Path $root 'vcpkg.exe') install --triplet x64-windows @ports | Out-Host
    return Join-Path $root 'scripts\buildsystems\vcpkg.cmake'
}
