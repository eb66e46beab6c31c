// Says how many have come since the page was shown, and when nothing can be heard any more; it changes nothing else.
const news = document.getElementById("news");
const { since, one, many, show, lost } = news.dataset;
const SILENCE_MS = 25000;
let number = 0;
let silence;

const say = (connected) => {
  const told = number === 1 ? one : many.replace("#", number);
  const sentences = [...(number ? [told] : []), ...(connected ? [] : [lost])];
  if (news.dataset.said === sentences.join(" ")) return;
  news.dataset.said = sentences.join(" ");
  news.replaceChildren(sentences.join(" ") + (number ? " " : ""));
  if (!number) return;
  const link = document.createElement("a");
  link.href = location.pathname;
  link.textContent = show;
  news.append(link);
};

const heard = (event) => {
  clearTimeout(silence);
  silence = setTimeout(() => say(false), SILENCE_MS);
  if (!event) return;
  number = Number(event.data);
  say(true);
};

const stream = new EventSource(`/counts?since=${since}`);
stream.addEventListener("message", heard);
stream.addEventListener("error", () => {
  // A stream that ends is begun anew by the browser; one that is refused is not.
  if (stream.readyState === EventSource.CLOSED) say(false);
});
heard();
addEventListener("pagehide", () => stream.close());
