// Thumbnails of local files by sharp:
//   node server.js ADDRESS PORT FOLDER
// GET /NAME answers with the 800 px thumbnail of FOLDER/NAME; GET /NAME?shrink=2 has the loader shrink by
// as little as vipsthumbnail does, where sharp itself takes 4 of the 7.5 from the JPEG decoder.
import http from "node:http";
import path from "node:path";
import sharp from "sharp";

const [address, port, folder] = process.argv.slice(2);
sharp.cache(false);
sharp.concurrency(1); // threads for one image; several images at a time have one each

function thumbnail(url) {
  const box = { width: 800, height: 800, fit: "inside" };
  box.fastShrinkOnLoad = url.searchParams.get("shrink") !== "2";
  return sharp(path.join(folder, path.basename(url.pathname)))
    .autoOrient()
    .resize(box)
    .jpeg({ quality: 85, optimiseCoding: false })
    .toBuffer();
}

const server = http.createServer(async (request, response) => {
  try {
    const made = await thumbnail(new URL(request.url, "http://sharp"));
    response.writeHead(200, { "Content-Type": "image/jpeg", "Content-Length": made.length });
    response.end(made);
  } catch (error) {
    response.writeHead(500, { "Content-Type": "text/plain" });
    response.end(String(error));
  }
});
server.keepAliveTimeout = 60_000;
server.listen(Number(port), address);
