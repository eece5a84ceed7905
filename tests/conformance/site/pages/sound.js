// A sound that is played from near its end.
function once(target, name) {
  return new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true });
    target.addEventListener("error", () => reject(new Error(target.error.message)), { once: true });
  });
}

export default async function find() {
  const sound = new Audio();
  sound.preload = "auto";
  const loaded = once(sound, "loadedmetadata");
  sound.src = "sound.wav";
  await loaded;
  const sought = once(sound, "seeked");
  sound.currentTime = 9;
  await sought;
  return { duration: sound.duration, seekable: sound.seekable.end(0), at: sound.currentTime };
}
