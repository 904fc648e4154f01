"""SNS."""

from stoker.buses.http_endpoint import HttpEndpoints
from stoker.buses.notifications import Addresses, Notifications
from stoker.buses.publishing import Publishing
from stoker.buses.signing import Signer
from stoker.buses.subscriptions import Subscriptions
from stoker.buses.topics import Topics
from stoker.deliveries.outbound import Outbound
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.sns.links import SnsLinks
from stoker.services.sns.service import SnsService


async def build(platform: Platform) -> Area:
    store, clock, settings = platform.store, platform.clock, platform.settings
    signer = Signer(settings.data / "sns-signing.pem")
    addresses = Addresses(
        endpoint=settings.endpoint_at(settings.port), secret=platform.keys.derived_key("links to unsubscribe")
    )
    subscriptions = Subscriptions(store, clock, settings.account)
    publishing = Publishing(
        store=store,
        outbox=platform.outbox,
        clock=clock,
        notifications=Notifications(signer=signer, addresses=addresses, account=settings.account),
        account=settings.account,
    )
    outbound = Outbound(allow_loopback=settings.loopback_endpoints)
    endpoints = HttpEndpoints(outbound)
    platform.targets.register("sns", publishing.deliver)
    platform.targets.register("http", endpoints.deliver)
    platform.targets.register("https", endpoints.deliver)
    service = SnsService(
        topics=Topics(store, settings.account),
        subscriptions=subscriptions,
        publishing=publishing,
        takes=platform.targets.takes,
    )
    links = SnsLinks(subscriptions=subscriptions, addresses=addresses, signer=signer, account=settings.account)
    return Area(services=[service], pages={"sns": links.answer}, end=outbound.close)
