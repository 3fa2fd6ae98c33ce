// Manifests against the schemas of the npm package @kubernetes-models/istio.
//
//   node istio-schemas.mjs FOLDER <documents.json
//
// takes a list of documents and prints a list: "" for one that fits, what is wrong, or null
// where the package has no such kind.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const models = async (group) => {
  const path = `${process.argv[2]}/node_modules/@kubernetes-models/istio/${group}/index.js`;
  return import(pathToFileURL(path));
};

const check = async ({ apiVersion, kind, ...rest }) => {
  if (!/^[a-z]+\.istio\.io\/v1[a-z0-9]*$/.test(apiVersion)) return null;
  const Model = (await models(apiVersion))[kind];
  if (!Model) return null;
  try {
    new Model(rest).validate();
    return "";
  } catch (error) {
    return error.message;
  }
};

const documents = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(await Promise.all(documents.map(check))));
