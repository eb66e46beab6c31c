// Counts the time that has passed; it is not read out by itself.
const timer = document.getElementById("timer");
const began = Date.now() - Number(timer.dataset.seconds) * 1000;
const two = (number) => String(number).padStart(2, "0");
const tell = () => {
  const seconds = Math.floor((Date.now() - began) / 1000);
  timer.textContent = `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
};
tell();
setInterval(tell, 1000);
