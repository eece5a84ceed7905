// What the policy of the page and the types of its files forbid.
import { failure } from "./bytes.js";

function loaded(source) {
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => resolve("loaded");
    script.onerror = () => resolve("refused");
    document.head.append(script);
  });
}

export default async function find() {
  const inline = document.createElement("script");
  inline.textContent = "window.inline = true";
  document.head.append(inline);
  const far = await failure(fetch("https://elsewhere.invalid/"));
  let evaluated = "evaluated";
  try {
    new Function("return 1")();
  } catch (error) {
    evaluated = error.name;
  }
  return {
    evaluated,
    far,
    inline: window.inline ?? "blocked",
    script: await loaded("script.js"),
    text: await loaded("script.txt"),
    ran: window.ran ?? [],
  };
}
