"""Progress of a job through RunPod's SDK."""

from entrypoints.results import Progress


async def send_progress(job_id: str, update: Progress) -> None:
    """Post what the SDK's ``progress_update`` posts, on the event loop of the caller.

    The SDK tries again after a 5xx, and logs a failure of the post instead of raising it.
    """
    from runpod.http_client import AsyncClientSession
    from runpod.serverless.modules.rp_http import send_result

    posted = {"status": "IN_PROGRESS", "output": update.model_dump(mode="json")}
    async with AsyncClientSession() as session:
        await send_result(session, posted, {"id": job_id})
