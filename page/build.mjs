// Builds the bundle that the binary includes. The same sources and lock file give the same bytes.
import { build } from "esbuild";
import { readFile, writeFile } from "node:fs/promises";

const target = new URL("../crates/gaits-report/src/page/", import.meta.url);
const license = await readFile(new URL("node_modules/uplot/LICENSE", import.meta.url), "utf8");
const options = {
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none",
  target: ["chrome103", "firefox113", "safari16.4"],
  write: false,
  logLevel: "warning",
};
const path = (name) => new URL(name, import.meta.url).pathname;
const script = await build({ ...options, entryPoints: [path("src/main.ts")], format: "iife" });
const style = await build({ ...options, entryPoints: [path("src/style.css")] });
const notice = `/* Holds uPlot:\n${license.trim()}\n*/\n`;
// What ends a script element must not stand in one.
const text = (result) => result.outputFiles[0].text.replaceAll("</script", "<\\/script");
await writeFile(new URL("bundle.js", target), notice + text(script));
await writeFile(new URL("bundle.css", target), text(style));
