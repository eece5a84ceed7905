// The connection to the node: opened again whenever it ends, later each time.

import { BROADCAST, CONFIG_BYTES, ERROR, HEARTBEAT, decode, encode } from "./frames.js";

const PROTOCOL = "lattice.config.v1";
const TOKEN = "lattice.token.";
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const HEARTBEAT_MS = 25_000;
const ANSWER_MS = 10_000;

export class Live {
  #socket = null;
  #token = "";
  #wait = FIRST_WAIT_MS;
  #timer = 0;
  #heart = 0;
  #beats = 0;

  // `on.state(bytes, sequence)`, `on.error(sentence)`, `on.status(name, sentence)`
  constructor(on) {
    this.on = on;
    this.urls = { socket: new URL("_dashboard/ws", location.href), config: new URL("_dashboard/api/config", location.href) };
    this.urls.socket.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  }

  // Connects as whom the token belongs to; as nobody, if there is none.
  connect(token) {
    this.#token = token;
    this.#wait = FIRST_WAIT_MS;
    this.#open();
  }

  // Whether it could be sent.
  send(type, offset, value) {
    const isOpen = this.#socket?.readyState === WebSocket.OPEN;
    if (isOpen) {
      this.#socket.send(encode(type, offset, value));
    }
    return isOpen;
  }

  #open() {
    this.#forget();
    this.on.status("connecting", "connecting …");
    let socket;
    try {
      socket = new WebSocket(this.urls.socket, this.#token ? [PROTOCOL, TOKEN + this.#token] : [PROTOCOL]);
    } catch {
      this.on.status("closed", "this is no token: a token has letters, digits and underscores");
      return;
    }
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
      this.on.status("open", this.#token ? "connected with a token" : "connected without a token");
      this.#beat(socket);
    };
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = (event) => this.#ended(event, wasOpen);
  }

  #take(data) {
    const frame = decode(data);
    if (frame?.type === BROADCAST && frame.payload.length === CONFIG_BYTES) {
      this.#wait = FIRST_WAIT_MS;
      this.on.state(frame.payload, frame.value);
    } else if (frame?.type === ERROR) {
      this.on.error(`${new TextDecoder().decode(frame.payload)} (error ${frame.value})`);
    } else if (frame?.type === HEARTBEAT) {
      clearTimeout(this.#heart);
      const socket = this.#socket;
      this.#heart = setTimeout(() => this.#beat(socket), HEARTBEAT_MS);
    } else {
      this.on.error("the node sent what is no frame of this protocol");
    }
  }

  // Asks whether the node is there; a connection that answers nothing is given up.
  #beat(socket) {
    this.#beats += 1;
    this.send(HEARTBEAT, 0, this.#beats);
    this.#heart = setTimeout(() => {
      if (socket === this.#socket) {
        this.#forget();
        this.#again("the node is silent");
      }
    }, ANSWER_MS);
  }

  async #ended(event, wasOpen) {
    const socket = this.#socket;
    clearTimeout(this.#heart);
    let why = event.reason || "the connection was lost";
    if (!wasOpen) {
      // A browser does not tell why a WebSocket was refused; a plain request does.
      why = await this.#ask(socket);
    }
    if (socket === this.#socket) {
      this.#again(why);
    }
  }

  // Reads the config by a plain request; why there is no connection.
  async #ask(socket) {
    const headers = this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
    try {
      const answer = await fetch(this.urls.config, { headers, cache: "no-store" });
      const said = await answer.json();
      if (!answer.ok) {
        return said.error;
      }
      if (socket === this.#socket) {
        const bytes = said.hex.match(/../g).map((digits) => Number.parseInt(digits, 16));
        this.on.state(Uint8Array.from(bytes), said.sequence);
      }
      return said.flags.BINARY_PROTOCOL ? "this page may not open a WebSocket here" : "BINARY_PROTOCOL is off";
    } catch {
      return "the node cannot be reached";
    }
  }

  #again(why) {
    // Not all pages at once.
    const wait = Math.round(this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
    this.on.status("closed", `${why}; next try in ${(wait / 1000).toFixed(1)} s`);
    this.#timer = setTimeout(() => this.#open(), wait);
  }

  #forget() {
    clearTimeout(this.#timer);
    clearTimeout(this.#heart);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }
}
