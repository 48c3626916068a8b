export { help } from "./help";
export { problems } from "./problems";
export { prompt } from "./prompt";
export { results } from "./results";
export { runs } from "./runs";
export { shell } from "./shell";
export { stage } from "./stage";
export { tools } from "./tools";
