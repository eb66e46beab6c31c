// Leaves by one press of the button or by Shift three times, without an entry to come back to.
const leave = () => {
  document.documentElement.classList.add("blank");
  location.replace(document.getElementById("exit").href);
};

document.getElementById("exit").addEventListener("click", (event) => {
  event.preventDefault();
  leave();
});

const WITHIN_MS = 3000;
let presses = [];
document.addEventListener("keydown", (event) => {
  if (event.repeat) return;
  if (event.key !== "Shift") {
    presses = [];
    return;
  }
  const now = Date.now();
  presses = [...presses.filter((then) => now - then < WITHIN_MS), now];
  if (presses.length >= 3) leave();
});

// A page that the browser kept for "Back" shows nothing until the server has said that it may.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
