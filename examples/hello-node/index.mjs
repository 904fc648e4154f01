export const handler = async (event) => {
  console.log("somebody is here");
  return { greeting: `Hello ${event.name ?? "world"}, from Node` };
};
