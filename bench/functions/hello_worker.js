export default {
  async fetch(request) {
    const event = request.method === 'POST' ? await request.json() : {};
    return Response.json({ greeting: `Hello ${event.name ?? 'world'}` });
  },
};
