// What curves are most often drawn of: index.html has it, labelled as the service does.

const options = document.getElementById("quantities").content.children;
export const QUANTITIES = Object.fromEntries([...options].map(({ value, text }) => [value, text]));
