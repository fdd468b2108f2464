# What demo.ps1 and test.ps1 share.

# Runs a program, and stops the script if it fails.
function Invoke-Step {
    $program = $args[0]
    $rest = @($args | Select-Object -Skip 1)
    & $program @rest
    if ($LASTEXITCODE -ne 0) {
        throw "$program ended with $LASTEXITCODE"
    }
}

# Stops the script if a table of `pollux` lacks a row that begins with one of the names.
function Assert-Row([string[]] $table, [string[]] $names, [string] $what) {
    foreach ($name in $names) {
        if (@($table | Where-Object { $_ -match "^$name\s" }).Count -eq 0) {
            $table | Out-Host
            throw "$what has no row for $name"
        }
    }
}

# The folder of a vcpkg that the environment names. The one that comes with Visual Studio installs
# for projects with a manifest only, so it does not count.
function Find-Vcpkg {
    foreach ($root in @($env:VCPKG_ROOT, $env:VCPKG_INSTALLATION_ROOT)) {
        if ($root -and (Test-Path (Join-Path $root 'vcpkg.exe')) -and
            -not (Test-Path (Join-Path $root 'vcpkg-bundle.json'))) {
            return $root
        }
    }
}

# Installs libraries with vcpkg, and returns its toolchain file.
function Get-Vcpkg([string[]] $ports) {
    $root = Find-Vcpkg
    if (-not $root) {
        $root = Join-Path $env:LOCALAPPDATA 'pollux\vcpkg'
        if (-not (Test-Path (Join-Path $root 'vcpkg.exe'))) {
            if (-not (Test-Path $root)) {
                Invoke-Step git clone --depth 1 https://github.com/microsoft/vcpkg $root | Out-Host
            }
            Invoke-Step (Join-Path $root 'bootstrap-vcpkg.bat') -disableMetrics | Out-Host
        }
    }
    Invoke-Step (Join-Path $root 'vcpkg.exe') install --triplet x64-windows @ports | Out-Host
    return Join-Path $root 'scripts\buildsystems\vcpkg.cmake'
}
