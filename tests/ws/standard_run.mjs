// Says as JSON what `standard.mjs` finds: URL, bytes of the large message.
import { facts } from "./standard.mjs";

const [url, large] = process.argv.slice(2);
console.log(JSON.stringify(await facts(url, Number(large))));
